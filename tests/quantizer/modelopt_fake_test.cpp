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

/// The values behind codes and scales.
template <class Q>
std::vector<float> through_codes(const vector_case& c, shape2d shape) {
  const std::vector<float> in = c.input.floats();
  auto codes = quantize<Q>(on_host{}, matrix_view<const float>{in.data(), shape}, {c.amax, {}});
  std::vector<float> values(in.size());
  dequantize<Q>(on_host{}, codes.view(), matrix_view<float>{values.data(), shape});
  return values;
}

/// What a recipe does, so that the comparison is compiled once.
struct recipe_functions {
  std::vector<float> (*fake)(const vector_case&, shape2d, const given_ranges&);
  std::vector<float> (*through_codes)(const vector_case&, shape2d);
  index_t (*scale_count)(shape2d);
  element_stage stage;
};

template <class Q>
recipe_functions functions_of() {
  return {fake<Q>, through_codes<Q>, [](shape2d shape) { return Q::scale_count(shape); }, element_stage_of<Q>()};
}

/// Compares one case in every way; true where all agree.
bool agrees(const recipe_functions& functions, const vector_case& c, const grouping& groups) {
  const shape2d shape = qgrain_test::matrix_shape(c.input, groups.kind == granularity_kind::per_out_channel);
  BOOST_TEST_INFO_SCOPE(c.name << " " << shape.rows << " x " << shape.cols);
  bool good = true;
  const auto compare = [&](const char* way, const std::vector<float>& got) {
    const std::size_t wrong = differences(got, c.expected);
    BOOST_CHECK_MESSAGE(wrong == 0, c.name << ", " << way << ": " << wrong << " elements differ");
    good = good && wrong == 0;
  };
  BOOST_REQUIRE_EQUAL(static_cast<index_t>(c.amax.size()), functions.scale_count(shape));
  if (!c.static_range) compare("own ranges", functions.fake(c, shape, {}));
  compare("given ranges", functions.fake(c, shape, {c.amax, {}}));

  fake_recipe recipe{c.name, functions.stage, groups};
  const bool ranges_within = recipe.range_count(shape.cols) == 0;
  if (!(c.static_range && ranges_within)) {  // a run-time recipe takes no given ranges for groups within a row
    compare("recipe", fake_in_bands(recipe, c, shape, shape.rows));
    compare("recipe in bands", fake_in_bands(recipe, c, shape, recipe.row_alignment()));
  }

  // Codes and scales stand for the same values, where the values are numbers and but for the sign of zero.
  std::vector<float> values = qgrain_test::rounded_to(c.input.dtype, functions.through_codes(c, shape));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(c.expected[i])) values[i] = c.expected[i];
    if (values[i] == c.expected[i]) values[i] = c.expected[i];
  }
  compare("codes", values);
  return good;
}

struct named_granularity {
  std::string name;  // in the files
  grouping groups;
};

template <class G>
struct of {};
named_granularity named(of<per_tensor>) {
  return {"per_tensor", {granularity_kind::per_tensor, range_source::own, {}, {}}};
}
named_granularity named(of<per_channel<0>>) {
  return {"per_channel0", {granularity_kind::per_out_channel, range_source::own, {}, {}}};
}
named_granularity named(of<per_channel<1>>) {
  return {"per_channel1", {granularity_kind::per_in_channel, range_source::own, {}, {}}};
}
named_granularity named(of<per_token>) {
  return {"per_token", {granularity_kind::per_token, range_source::own, {}, {}}};
}

template <int Size>
using padded_group = per_group<Size, group_tail::zero_padding>;
template <int Size>
named_granularity named(of<per_group<Size, group_tail::zero_padding>>) {
  return {"per_group" + std::to_string(Size),
          {granularity_kind::per_group, range_source::own, {1, Size}, group_tail::zero_padding}};
}

template <int Rows, int Cols>
named_granularity named(of<per_tile<Rows, Cols>>) {
  return {"per_tile" + std::to_string(Rows) + "x" + std::to_string(Cols),
          {granularity_kind::per_tile, range_source::own, {Rows, Cols}, {}}};
}

/// Finds the granularity by name among those that the files have for the format.
template <template <class> class Recipe, class... Granularities>
bool agrees(const vector_case& c, const std::string& granularity) {
  bool known = false, good = false;
  const auto try_one = [&]<class G>(of<G> tag) {
    const named_granularity candidate = named(tag);
    if (candidate.name != granularity) return;
    known = true;
    good = agrees(functions_of<Recipe<G>>(), c, candidate.groups);
  };
  (try_one(of<Granularities>{}), ...);
  BOOST_CHECK_MESSAGE(known, "unknown granularity " << granularity << " in case " << c.name);
  return good;
}

template <template <class> class Recipe, class... More>
bool agrees_in_most(const vector_case& c, const std::string& granularity) {
  return agrees<Recipe, per_tensor, per_channel<0>, per_channel<1>, per_token, padded_group<32>, padded_group<128>,
                per_tile<16, 32>, More...>(c, granularity);
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
  if (file == "modelopt_fp8") return agrees_in_most<modelopt_fp8, per_tile<128, 128>>(c, granularity);
  if (file == "modelopt_int8" && prefix.empty()) return agrees_in_most<as_int8, padded_group<64>>(c, granularity);
  if (file == "modelopt_int4" && prefix.empty()) return agrees_in_most<as_int4, padded_group<16>>(c, granularity);
  if (file == "modelopt_int8" && prefix == "narrow")
    return agrees<as_int8_narrow, per_tensor, padded_group<32>>(c, granularity);
  if (file == "modelopt_int4" && prefix == "narrow")
    return agrees<as_int4_narrow, per_tensor, padded_group<32>>(c, granularity);
  if (file == "modelopt_int8" && prefix == "unsigned")
    return agrees<as_uint8, per_tensor, per_channel<0>>(c, granularity);
  if (file == "modelopt_int4" && prefix == "unsigned")
    return agrees<as_uint4, per_tensor, per_channel<0>>(c, granularity);
  if (prefix == "int2") return agrees<as_int2, per_channel<0>, padded_group<32>>(c, granularity);
  if (prefix == "int3") return agrees<as_int3, per_channel<0>, padded_group<32>>(c, granularity);
  if (prefix == "int5") return agrees<as_int5, per_channel<0>, padded_group<32>>(c, granularity);
  if (prefix == "int6") return agrees<as_int6, per_channel<0>, padded_group<32>>(c, granularity);
  if (prefix == "int7") return agrees<as_int7, per_channel<0>, padded_group<32>>(c, granularity);
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
