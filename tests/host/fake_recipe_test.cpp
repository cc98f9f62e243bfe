// Run-time recipes: every name of the list, against the compile-time definition or a slow one; bands; ranges; bad
// input.
#include <recipes/fake_recipes.hpp>
#include <support/inputs.hpp>
#include <support/reference_codec.hpp>

#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

using namespace qgrain;
using recipes::fake_recipe_names;
using recipes::find_fake_recipe;
using recipes::try_find_fake_recipe;

namespace {

std::vector<float> run(const fake_recipe& recipe, const std::vector<float>& x, shape2d shape, index_t band) {
  const std::vector<float> ranges = absmax_ranges(recipe, {x.data(), shape});
  std::vector<float> y(x.size());
  for (index_t row = 0; row < shape.rows; row += band) {
    const shape2d part{std::min(band, shape.rows - row), shape.cols};
    fake_quantize(recipe, {x.data() + row * shape.cols, part}, {y.data() + row * shape.cols, part}, ranges, row);
  }
  return y;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Nearest of the 16 levels under the group's largest magnitude, the lower level of two at the same float32 distance.
std::vector<float> slow_nf4(shape2d group, const std::vector<float>& x, shape2d shape) {
  const std::vector<float> levels = {
      -1.0F,          -0.6953125F,   -0.5234375F, -0.39453125F, -0.28515625F, -0.1845703125F, -0.09130859375F, 0.0F,
      0.07958984375F, 0.1611328125F, 0.24609375F, 0.337890625F, 0.44140625F,  0.5625F,        0.72265625F,     1.0F};
  std::vector<float> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto row = static_cast<index_t>(i) / shape.cols;
    const auto col = static_cast<index_t>(i) % shape.cols;
    float amax = 0.0F;
    for (index_t r = row / group.rows * group.rows; r < std::min((row / group.rows + 1) * group.rows, shape.rows);
         ++r) {
      for (index_t c = col / group.cols * group.cols; c < std::min((col / group.cols + 1) * group.cols, shape.cols);
           ++c) {
        amax = std::fmax(amax, std::fabs(x[static_cast<std::size_t>(r * shape.cols + c)]));
      }
    }
    const float scale = amax == 0.0F ? 1.0F : amax;
    const float scaled = x[i] / scale;
    const auto nearest = std::min_element(
        levels.begin(), levels.end(), [&](float a, float b) { return std::fabs(scaled - a) < std::fabs(scaled - b); });
    y[i] = *nearest * scale;
  }
  return y;
}

/// ModelOpt's integer and fp8 formulas written out, in plain float with volatile intermediates, for groups of any
/// shape.
std::vector<float> slow(const std::string& format, shape2d group, const std::vector<float>& x, shape2d shape) {
  if (format == "nf4") return slow_nf4(group, x, shape);
  const bool fp8 = format.starts_with("fp8");
  const bool e5m2 = format == "fp8_e5m2";
  const auto grid =
      e5m2 ? qgrain_test::reference_float{5, 2, 15, qgrain_test::reference_specials::ieee}.magnitudes()
           : qgrain_test::reference_float{4, 3, 7, qgrain_test::reference_specials::nan_at_ones}.magnitudes();
  const double most = e5m2 ? 57344.0 : fp8 ? 448.0 : std::ldexp(1.0, std::stoi(format.substr(3)) - 1) - 1.0;
  std::vector<float> y(x.size());
  for (index_t r0 = 0; r0 < shape.rows; r0 += group.rows) {
    for (index_t c0 = 0; c0 < shape.cols; c0 += group.cols) {
      const index_t r1 = std::min(r0 + group.rows, shape.rows);
      const index_t c1 = std::min(c0 + group.cols, shape.cols);
      const auto each = [&](auto body) {
        for (index_t r = r0; r < r1; ++r) {
          for (index_t c = c0; c < c1; ++c) body(static_cast<std::size_t>(r * shape.cols + c));
        }
      };
      float amax = 0.0F;
      each([&](std::size_t i) { amax = std::fmax(amax, std::fabs(x[i])); });
      const bool tiny = amax <= std::ldexp(1.0F, -24);
      volatile float inverse = 1.0F / (tiny ? 1.0F : amax);
      volatile float multiplier = fp8 ? inverse * static_cast<float>(most) : static_cast<float>(most) / amax;
      each([&](std::size_t i) {
        if (!fp8 && tiny) {
          y[i] = std::copysign(0.0F, x[i]);
          return;
        }
        volatile float scaled = x[i] * multiplier;
        if (fp8) {
          volatile float back = 1.0F / multiplier;
          y[i] = qgrain_test::reference_round(grid, scaled, qgrain_test::reference_ties::even) * back;
        } else {
          const float limited =
              std::fmin(std::fmax(std::nearbyint(scaled), -static_cast<float>(most) - 1.0F), static_cast<float>(most));
          y[i] = std::copysign(limited / multiplier, x[i]);
        }
      });
    }
  }
  return y;
}

shape2d group_of(const std::string& granularity, shape2d shape) {
  if (granularity.starts_with("per_tensor")) return shape;
  if (granularity == "per_out_channel" || granularity == "per_token_dynamic") return {1, shape.cols};
  if (granularity == "per_in_channel" || granularity == "per_hidden_channel") return {shape.rows, 1};
  if (granularity.starts_with("group")) return {1, std::stoll(granularity.substr(5))};
  const std::size_t cross = granularity.find('x');
  return {std::stoll(granularity.substr(4, cross - 4)), std::stoll(granularity.substr(cross + 1))};
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_composable_name_against_the_written_out_formula) {
  std::size_t compared = 0;
  std::vector<std::string> names = fake_recipe_names();
  for (const char* extra : {"int4/group48", "fp8/group7", "int8/group1", "int5/tile3x50", "fp8/tile64x32"})
    names.emplace_back(extra);
  for (const std::string& name : names) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) continue;  // the block formats have their own test
    const fake_recipe recipe = find_fake_recipe(name);
    BOOST_TEST(recipe.name == name);
    for (const shape2d shape : {shape2d{5, 200}, {150, 133}}) {
      const auto x = qgrain_test::edge_values(17, static_cast<std::size_t>(shape.elements()));
      const auto expected = slow(name.substr(0, slash), group_of(name.substr(slash + 1), shape), x, shape);
      const bool whole = same_bytes(run(recipe, x, shape, shape.rows), expected);
      const bool bands = same_bytes(run(recipe, x, shape, recipe.row_alignment()), expected);
      BOOST_CHECK_MESSAGE(whole && bands, name << " on " << shape.rows << " x " << shape.cols);
      compared += whole && bands ? 1U : 0U;
    }
  }
  BOOST_TEST_MESSAGE(compared << " of " << (10 * 12 + 5) * 2 << " recipes and shapes");
  BOOST_TEST(compared == (10U * 12U + 5U) * 2U);
}

BOOST_AUTO_TEST_CASE(block_formats_are_the_compile_time_recipes) {
  const shape2d shape{37, 150};
  const auto x = qgrain_test::edge_values(23, static_cast<std::size_t>(shape.elements()));
  int compared = 0;
  const auto compare = [&]<class Q>(std::type_identity<Q>) {
    std::vector<float> expected(x.size());
    fake_quantize<Q>(on_host{}, {x.data(), shape}, matrix_view<float>{expected.data(), shape});
    const fake_recipe recipe = find_fake_recipe(Q::name());
    BOOST_TEST(same_bytes(run(recipe, x, shape, 1), expected), Q::name());
    BOOST_TEST(recipe.bits_per_element({64, 320}) >= Q::bits_per_element);
    ++compared;
  };
  compare(std::type_identity<mxfp4_ocp>{});
  compare(std::type_identity<mxfp4_even>{});
  compare(std::type_identity<mxfp4_rceil>{});
  compare(std::type_identity<mxfp4_modelopt>{});
  compare(std::type_identity<mxfp6_e2m3_ocp>{});
  compare(std::type_identity<mxfp6_e3m2_ocp>{});
  compare(std::type_identity<mxfp8_e4m3_ocp>{});
  compare(std::type_identity<mxfp8_e4m3_rceil>{});
  compare(std::type_identity<mxfp8_e4m3_modelopt>{});
  compare(std::type_identity<mxfp8_e5m2_ocp>{});
  compare(std::type_identity<mxfp6_e2m3_rceil>{});
  compare(std::type_identity<mxfp6_e3m2_rceil>{});
  compare(std::type_identity<mxfp8_e5m2_rceil>{});
  compare(std::type_identity<mxint8_rceil>{});
  compare(std::type_identity<nvfp4_modelopt>{});
  compare(std::type_identity<nvfp4_modelopt_kernel>{});
  compare(std::type_identity<nvfp4_torchao>{});
  BOOST_TEST(static_cast<std::size_t>(compared) == fake_recipe_names().size() - 10 * 12);
}

BOOST_AUTO_TEST_CASE(what_a_recipe_asks_of_its_caller) {
  BOOST_TEST(find_fake_recipe("int8/per_tensor_static").needs_tensor_range());
  BOOST_TEST((find_fake_recipe("int8/per_tensor_static").groups.source == range_source::calibrated));
  BOOST_TEST((find_fake_recipe("int8/per_tensor_dynamic").groups.source == range_source::own));
  BOOST_TEST(find_fake_recipe("fp8/per_hidden_channel").needs_column_range());
  BOOST_TEST(find_fake_recipe("fp8/per_hidden_channel").range_count(77) == 77);
  BOOST_TEST(find_fake_recipe("nvfp4_modelopt").needs_tensor_range());
  BOOST_TEST(find_fake_recipe("nvfp4_modelopt").range_count(77) == 1);
  BOOST_TEST(!find_fake_recipe("mxfp4_ocp").needs_tensor_range());
  BOOST_TEST(find_fake_recipe("int8/per_token_dynamic").range_count(77) == 0);
  BOOST_TEST(find_fake_recipe("fp8/tile128x128").row_alignment() == 128);
  BOOST_TEST(find_fake_recipe("int8/group32").row_alignment() == 1);
  BOOST_TEST(find_fake_recipe("int4/group128").bits_per_element({8, 256}) == 4.25);
  BOOST_TEST(find_fake_recipe("int4/group128").bits_per_element({8, 192}) == 4.0 + 64.0 / 192.0);
  BOOST_TEST(find_fake_recipe("int8/per_tensor").bits_per_element({4, 8}) == 9.0);
  BOOST_TEST(find_fake_recipe("nvfp4_modelopt").bits_per_element({2, 16}) == 4.0 + 0.5 + 1.0);
  BOOST_TEST(!find_fake_recipe("int4/group128").check({4, 100}));
  BOOST_TEST(find_fake_recipe("int4/group128").check({4, 100}).wanted() == 128);
  BOOST_TEST(static_cast<bool>(find_fake_recipe("int4/group128").check({4, 200})));
  BOOST_TEST(static_cast<bool>(find_fake_recipe("mxfp4_ocp").check({4, 5})));
}

BOOST_AUTO_TEST_CASE(ranges_widen_batch_by_batch) {
  const auto a = qgrain_test::bell_values(1, 6 * 40);
  const auto b = qgrain_test::bell_values(2, 6 * 40);
  std::vector<float> both = a;
  both.insert(both.end(), b.begin(), b.end());
  for (const char* name : {"int8/per_tensor_static", "int8/per_hidden_channel", "nvfp4_modelopt"}) {
    const fake_recipe recipe = find_fake_recipe(name);
    std::vector<float> ranges(static_cast<std::size_t>(recipe.range_count(40)), 0.0F);
    widen_ranges(recipe, {b.data(), {6, 40}}, ranges);
    widen_ranges(recipe, {a.data(), {6, 40}}, ranges);
    BOOST_TEST(ranges == absmax_ranges(recipe, {both.data(), {12, 40}}));
  }
}

BOOST_AUTO_TEST_CASE(unknown_names) {
  for (const char* name : {"", "int8", "int9/per_tensor", "int8/", "int8/group", "int8/group0", "int8/group-4",
                           "int8/group4x", "int8/tile4", "int8/tile0x4", "int8/group99999999999999999999", "mxfp4",
                           "mxfp4_ocp/group32", "fp16", "int8/per_tensor "}) {
    BOOST_TEST(!try_find_fake_recipe(name).has_value(), name);
  }
  BOOST_CHECK_EXCEPTION((void)find_fake_recipe("int8/per_tokn_dynamic"), error, [](const error& failure) {
    return failure.code() == errc::unknown_name &&
           std::string(failure.what()).find("did you mean int8/per_token_dynamic") != std::string::npos;
  });
  for (const std::string& name : fake_recipe_names()) BOOST_TEST(try_find_fake_recipe(name).has_value(), name);
}

BOOST_AUTO_TEST_CASE(bad_input) {
  std::vector<float> x(256, 1.0F);
  std::vector<float> y(256, 5.0F);
  const float range = 1.0F;
  const auto refuses = [&](errc code, auto call) {
    BOOST_CHECK_EXCEPTION(call(), error, [&](const error& failure) { return failure.code() == code; });
    BOOST_TEST(y == std::vector<float>(256, 5.0F));
  };
  const matrix_view<const float> in{x.data(), {4, 64}};
  const matrix_view<float> out{y.data(), {4, 64}};
  refuses(errc::invalid_shape, [&] { fake_quantize(find_fake_recipe("int8/per_tensor"), in, out); });
  refuses(errc::invalid_shape, [&] { fake_quantize(find_fake_recipe("int8/group32"), in, out, {&range, 1}); });
  refuses(errc::invalid_shape, [&] {
    fake_quantize(find_fake_recipe("int8/per_hidden_channel"), in, out, {&range, 1});
  });
  refuses(errc::invalid_shape, [&] { fake_quantize(find_fake_recipe("int8/group32"), in, {y.data(), {2, 64}}); });
  refuses(errc::invalid_argument, [&] { fake_quantize(find_fake_recipe("int8/tile2x32"), in, out, {}, 3); });
  refuses(errc::invalid_shape, [&] { widen_ranges(find_fake_recipe("int8/per_tensor"), in, {}); });
}
