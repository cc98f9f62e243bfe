// Fake quantization against ModelOpt's own outputs, bit for bit: every case of the files, by the compile-time quantizer
// with its own ranges, by the same with ModelOpt's ranges given, and by the run-time recipe, whole and in bands.
#include <support/vector_file.hpp>
#include <support/vector_matrix.hpp>

#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

using namespace qgrain;
using qgrain_test::differences;
using qgrain_test::tensor;
using qgrain_test::vector_file;

namespace {

struct vector_case {
  std::string name;
  tensor input;
  std::vector<float> amax;
  std::vector<float> expected;
  bool static_range;  // calibrated on other data than the input
};

template <class Q, class T>
std::vector<float> fake(const vector_case& c, shape2d shape, const given_ranges& given) {
  const std::vector<T> in = qgrain_test::elements_of<T>(c.input);
  std::vector<T> out(in.size());
  fake_quantize<Q>(on_host{}, {in.data(), shape}, matrix_view<T>{out.data(), shape}, given);
  return qgrain_test::widened(out);
}

template <class Q>
std::vector<float> fake(const vector_case& c, shape2d shape, const given_ranges& given) {
  return c.input.dtype == "F32" ? fake<Q, float>(c, shape, given) : fake<Q, bfloat16>(c, shape, given);
}

/// The run-time recipe in bands of the fewest rows that it takes.
std::vector<float> fake_in_bands(const fake_recipe& recipe, const vector_case& c, shape2d shape, index_t rows) {
  const std::vector<float> in = c.input.floats();
  std::vector<float> out(in.size());
  std::vector<float> ranges = c.static_range ? c.amax : absmax_ranges(recipe, {in.data(), shape});
  for (index_t row = 0; row < shape.rows; row += rows) {
    const shape2d band{std::min(rows, shape.rows - row), shape.cols};
    fake_quantize(recipe, {in.data() + row * shape.cols, band}, {out.data() + row * shape.cols, band}, ranges, row);
  }
  return qgrain_test::rounded_to(c.input.dtype, out);
}

/// Compares one case in every way; true where all agree.
template <class Q>
bool agrees(const vector_case& c, const grouping& groups) {
  const shape2d shape = qgrain_test::matrix_shape(c.input, groups.kind == granularity_kind::per_out_channel);
  BOOST_TEST_INFO_SCOPE(c.name << " " << shape.rows << " x " << shape.cols);
  bool good = true;
  const auto compare = [&](const char* way, const std::vector<float>& got) {
    const std::size_t wrong = differences(got, c.expected);
    BOOST_CHECK_MESSAGE(wrong == 0, c.name << ", " << way << ": " << wrong << " elements differ");
    good = good && wrong == 0;
  };
  BOOST_REQUIRE_EQUAL(static_cast<index_t>(c.amax.size()), Q::scale_count(shape));
  if (!c.static_range) compare("own ranges", fake<Q>(c, shape, {}));
  compare("given ranges", fake<Q>(c, shape, {c.amax, {}}));

  fake_recipe recipe{c.name, element_stage_of<Q>(), groups};
  const bool ranges_within = recipe.range_count(shape.cols) == 0;
  if (!(c.static_range && ranges_within)) {  // a run-time recipe takes no given ranges for groups within a row
    compare("recipe", fake_in_bands(recipe, c, shape, shape.rows));
    compare("recipe in bands", fake_in_bands(recipe, c, shape, recipe.row_alignment()));
  }

  // Codes and scales stand for the same values, where the values are numbers and but for the sign of zero.
  const std::vector<float> in = c.input.floats();
  auto codes = quantize<Q>(on_host{}, matrix_view<const float>{in.data(), shape}, {c.amax, {}});
  std::vector<float> values(in.size());
  dequantize<Q>(on_host{}, codes.view(), matrix_view<float>{values.data(), shape});
  values = qgrain_test::rounded_to(c.input.dtype, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(c.expected[i])) values[i] = c.expected[i];
    if (values[i] == c.expected[i]) values[i] = c.expected[i];
  }
  compare("codes", values);
  return good;
}

/// Finds the granularity by the name that the files use.
template <template <class> class Recipe>
bool agrees(const vector_case& c, const std::string& granularity) {
  constexpr group_tail padded = group_tail::zero_padding;
  const auto grouped = [](granularity_kind kind, shape2d size, group_tail tail = group_tail::short_group) {
    return grouping{kind, range_source::own, size, tail};
  };
  using kind = granularity_kind;
  if (granularity == "per_tensor") return agrees<Recipe<per_tensor>>(c, grouped(kind::per_tensor, {}));
  if (granularity == "per_channel0") return agrees<Recipe<per_channel<0>>>(c, grouped(kind::per_out_channel, {}));
  if (granularity == "per_channel1") return agrees<Recipe<per_channel<1>>>(c, grouped(kind::per_in_channel, {}));
  if (granularity == "per_token") return agrees<Recipe<per_token>>(c, grouped(kind::per_token, {}));
  if (granularity == "per_group16")
    return agrees<Recipe<per_group<16, padded>>>(c, grouped(kind::per_group, {1, 16}, padded));
  if (granularity == "per_group32")
    return agrees<Recipe<per_group<32, padded>>>(c, grouped(kind::per_group, {1, 32}, padded));
  if (granularity == "per_group64")
    return agrees<Recipe<per_group<64, padded>>>(c, grouped(kind::per_group, {1, 64}, padded));
  if (granularity == "per_group128")
    return agrees<Recipe<per_group<128, padded>>>(c, grouped(kind::per_group, {1, 128}, padded));
  if (granularity == "per_tile16x32") return agrees<Recipe<per_tile<16, 32>>>(c, grouped(kind::per_tile, {16, 32}));
  if (granularity == "per_tile128x128")
    return agrees<Recipe<per_tile<128, 128>>>(c, grouped(kind::per_tile, {128, 128}));
  BOOST_ERROR("unknown granularity " << granularity << " in case " << c.name);
  return false;
}

template <class G>
using as_int2 = modelopt_integer<int2, G>;
template <class G>
using as_int3 = modelopt_integer<int3, G>;
template <class G>
using as_int4 = modelopt_integer<int4, G>;
template <class G>
using as_int4_narrow = modelopt_integer<int4_narrow, G>;
template <class G>
using as_uint4 = modelopt_integer<uint4, G>;
template <class G>
using as_int5 = modelopt_integer<int5, G>;
template <class G>
using as_int6 = modelopt_integer<int6, G>;
template <class G>
using as_int7 = modelopt_integer<int7, G>;
template <class G>
using as_int8 = modelopt_integer<int8, G>;
template <class G>
using as_int8_narrow = modelopt_integer<int8_narrow, G>;
template <class G>
using as_uint8 = modelopt_integer<uint8, G>;

/// The part of a case name before the granularity ("narrow", "unsigned", "int5" or nothing) says which integer it is.
bool agrees_in_format(const std::string& file, const std::string& prefix, const vector_case& c,
                      const std::string& granularity) {
  if (file == "modelopt_fp8") return agrees<modelopt_fp8>(c, granularity);
  if (file == "modelopt_int8" && prefix.empty()) return agrees<as_int8>(c, granularity);
  if (file == "modelopt_int8" && prefix == "narrow") return agrees<as_int8_narrow>(c, granularity);
  if (file == "modelopt_int8" && prefix == "unsigned") return agrees<as_uint8>(c, granularity);
  if (file == "modelopt_int4" && prefix.empty()) return agrees<as_int4>(c, granularity);
  if (file == "modelopt_int4" && prefix == "narrow") return agrees<as_int4_narrow>(c, granularity);
  if (file == "modelopt_int4" && prefix == "unsigned") return agrees<as_uint4>(c, granularity);
  if (prefix == "int2") return agrees<as_int2>(c, granularity);
  if (prefix == "int3") return agrees<as_int3>(c, granularity);
  if (prefix == "int5") return agrees<as_int5>(c, granularity);
  if (prefix == "int6") return agrees<as_int6>(c, granularity);
  if (prefix == "int7") return agrees<as_int7>(c, granularity);
  BOOST_ERROR("unknown format of case " << c.name);
  return false;
}

void compare_file(const std::string& name, std::size_t cases) {
  const vector_file file(name);
  std::size_t right = 0;
  for (const auto& [full, remark] : file.cases()) {
    const std::size_t at = full.find("per_");
    const std::string prefix = at == 0 ? "" : full.substr(0, at - 1);
    const std::string granularity = full.substr(at, full.find('.', at) - at);
    vector_case c{full, file.get(full + ".input"), file.get(full + ".amax").floats(),
                  file.get(full + ".dequant").floats(), false};
    c.static_range = full.find(".clipped") != std::string::npos || full.find(".nonfinite") != std::string::npos;
    right += agrees_in_format(name, prefix, c, granularity) ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(name << ": " << right << " of " << file.cases().size() << " cases, none left out");
  BOOST_TEST(right == file.cases().size());
  BOOST_TEST(file.cases().size() == cases);
}

}  // namespace

BOOST_AUTO_TEST_CASE(eight_bits) { compare_file("modelopt_int8", 89); }
BOOST_AUTO_TEST_CASE(four_bits) { compare_file("modelopt_int4", 89); }
BOOST_AUTO_TEST_CASE(other_widths) { compare_file("modelopt_intk", 10); }
BOOST_AUTO_TEST_CASE(fp8) { compare_file("modelopt_fp8", 77); }
