// The same loop compiled for every instruction set gives the same bits.
#include <support/inputs.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/detail/instruction_set.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <limits>
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
      call(std::type_identity<detail::absmax_block>{}, matrix_view<const float>{x.data() + r * cols, {1, cols}}, width,
           absmax.data());
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
  const auto widest = outputs<Q>(
      []<class Kernel>(std::type_identity<Kernel>, auto... arguments) { detail::run_widest<Kernel>(arguments...); });
  BOOST_TEST((std::memcmp(baseline.data(), widest.data(), baseline.size() * sizeof(float)) == 0));
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    const auto avx2 = outputs<Q>(
        []<class Kernel>(std::type_identity<Kernel>, auto... arguments) { detail::run_avx2<Kernel>(arguments...); });
    BOOST_TEST((std::memcmp(baseline.data(), avx2.data(), baseline.size() * sizeof(float)) == 0));
  } else {
    BOOST_TEST_MESSAGE("this processor has no AVX2: that loop was not compared");
  }
  if (!__builtin_cpu_supports("avx512vl"))
    BOOST_TEST_MESSAGE("this processor has no AVX-512: that loop was not compared");
#endif
}

}  // namespace

BOOST_AUTO_TEST_CASE(integers) { compare<modelopt_integer<int8, per_tensor>>(); }
BOOST_AUTO_TEST_CASE(fp8) { compare<modelopt_fp8<per_tensor>>(); }
BOOST_AUTO_TEST_CASE(mx) { compare<mxfp4_rceil>(); }
BOOST_AUTO_TEST_CASE(nvfp4) { compare<nvfp4_modelopt>(); }
