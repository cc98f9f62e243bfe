// The same loop compiled for every instruction set gives the same bits; sets by name, and what is refused.
#include <support/inputs.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

using namespace qgrain;

namespace {

constexpr index_t rows = 200;
constexpr index_t cols = 125;  // columns of their own are groups too, of which a block has at most 128

/// Runs fake_block through `call` for several group widths and returns all outputs.
template <class Q, class Call>
std::vector<float> outputs(Call call) {
  std::vector<float> x = qgrain_test::edge_values(31, static_cast<std::size_t>(rows * cols));
  x[100] = std::numeric_limits<float>::quiet_NaN();
  x[2000] = std::numeric_limits<float>::infinity();
  std::vector<float> all;
  for (const index_t width : {index_t{1}, index_t{16}, index_t{32}, index_t{64}, index_t{48}, cols}) {
    std::vector<float> y(x.size());
    for (index_t r = 0; r < rows; ++r) {
      std::vector<float> absmax(static_cast<std::size_t>(ceil_div(cols, width)), 0.0F);
      call(std::type_identity<detail::absmax_block<float>>{}, matrix_view<const float>{x.data() + r * cols, {1, cols}},
           width, absmax.data());
      call(std::type_identity<detail::fake_block<typename Q::element_type>>{},
           matrix_view<const float>{x.data() + r * cols, {1, cols}}, matrix_view<float>{y.data() + r * cols, {1, cols}},
           width, static_cast<const float*>(absmax.data()), Q::tensor_scale(3.0F));
    }
    all.insert(all.end(), y.begin(), y.end());
  }
  return all;
}

template <class Q>
void compare() {
  const auto baseline =
      outputs<Q>([]<class Kernel>(std::type_identity<Kernel>, auto... arguments) { Kernel::run(arguments...); });
  const auto widest =
      outputs<Q>([]<class Kernel>(std::type_identity<Kernel>, auto... arguments) { run_widest<Kernel>(arguments...); });
  BOOST_TEST((std::memcmp(baseline.data(), widest.data(), baseline.size() * sizeof(float)) == 0));
  for (const instruction_set set : {instruction_set::avx2, instruction_set::avx512}) {
    if (!is_supported(set)) {
      BOOST_TEST_MESSAGE("skipped: this processor has no " << name_of(set) << ", its loop was not compared");
      continue;
    }
    const auto forced = outputs<Q>(
        [set]<class Kernel>(std::type_identity<Kernel>, auto... arguments) { run_with<Kernel>(set, arguments...); });
    BOOST_TEST((std::memcmp(baseline.data(), forced.data(), baseline.size() * sizeof(float)) == 0), name_of(set));
  }
}

std::string refusal_of(const char* name, errc code) {
  try {
    static_cast<void>(find_instruction_set(name));
  } catch (const error& fault) {
    BOOST_TEST((fault.code() == code));
    return fault.what();
  }
  BOOST_ERROR(name << " is not refused");
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(integers) { compare<modelopt_integer<int8, per_tensor>>(); }
BOOST_AUTO_TEST_CASE(fp8) { compare<modelopt_fp8<per_tensor>>(); }
BOOST_AUTO_TEST_CASE(mx) { compare<mxfp4_rceil>(); }
BOOST_AUTO_TEST_CASE(nvfp4) { compare<nvfp4_modelopt>(); }

BOOST_AUTO_TEST_CASE(sets_are_found_by_name) {
  const std::vector<instruction_set> supported = supported_instruction_sets();
  BOOST_TEST_REQUIRE(!supported.empty());
  BOOST_TEST((supported.front() == instruction_set::baseline));
  for (const instruction_set set : supported) {
    BOOST_TEST(is_supported(set));
    BOOST_TEST((find_instruction_set(std::string(name_of(set)).c_str()) == set));
  }
  BOOST_TEST((find_instruction_set(nullptr) == supported.back()));
  BOOST_TEST((find_instruction_set("") == supported.back()));
  BOOST_TEST_MESSAGE("this run: " << name_of(chosen_instruction_set()));
}

BOOST_AUTO_TEST_CASE(the_variable_decides) {
  BOOST_TEST((chosen_instruction_set() == find_instruction_set(std::getenv(instruction_set_variable))));
}

BOOST_AUTO_TEST_CASE(a_refusal_lists_what_there_is) {
  for (const char* name : {"avx", "AVX2", "avx512f", " avx2", "widest"}) {
    const std::string sentence = refusal_of(name, errc::unknown_name);
    BOOST_TEST((sentence.find("QGRAIN_INSTRUCTION_SET") != std::string::npos));
    BOOST_TEST((sentence.find(std::string("\"") + name + "\"") != std::string::npos), sentence);
    for (const instruction_set set : supported_instruction_sets())
      BOOST_TEST((sentence.find(name_of(set), sentence.find("there are: ")) != std::string::npos), sentence);
  }
  for (const instruction_set set : {instruction_set::avx2, instruction_set::avx512}) {
    if (is_supported(set)) continue;
    const std::string sentence = refusal_of(std::string(name_of(set)).c_str(), errc::unsupported);
    BOOST_TEST((sentence.find("this processor does not have; there are: baseline") != std::string::npos), sentence);
  }
}
