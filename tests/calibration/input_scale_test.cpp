// SmoothQuant and AWQ scales against ModelOpt 0.47 run on one Linear.
#include <qgrain/calibration/input_scale.hpp>
#include <qgrain/calibration/observer.hpp>

#include <boost/test/unit_test.hpp>

#include <calibration/calibration_cases.hpp>
#include <string>
#include <vector>

using namespace qgrain;
using namespace qgrain::calibration;
using qgrain_test::calibration_set;
using qgrain_test::relative_difference;
using qgrain_test::text_of;

namespace {

struct linear_case {
  std::string name;
  std::vector<float> weight;
  shape2d weight_shape;
  std::vector<std::vector<float>> batches;

  [[nodiscard]] matrix_view<const float> weights() const { return {weight.data(), weight_shape}; }
  [[nodiscard]] matrix_view<const float> batch(std::size_t i) const {
    return {batches[i].data(), {static_cast<index_t>(batches[i].size()) / weight_shape.cols, weight_shape.cols}};
  }
};

linear_case read_case(const calibration_set& set, const boost::json::object& c) {
  linear_case read;
  read.name = text_of(c.at("name"));
  const auto weight = set.tensors.get(read.name + ".weight");
  read.weight = weight.floats();
  read.weight_shape = {weight.shape.at(0), weight.shape.at(1)};
  for (int i = 0; i < 4; ++i) read.batches.push_back(set.floats(read.name + ".batch" + std::to_string(i)));
  return read;
}

/// Columns times the reciprocal of the input's scale.
std::vector<float> folded(const linear_case& c, const std::vector<float>& input_scale) {
  std::vector<float> out = c.weight;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] *= 1.0F / input_scale[i % input_scale.size()];
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(smoothquant) {
  const calibration_set set("linear");
  std::size_t exact = 0;
  std::size_t in_bfloat16 = 0;
  double worst = 0;
  for (const auto& entry : set.cases) {
    const auto& c = entry.as_object();
    if (!text_of(c.at("name")).starts_with("smooth")) continue;
    const linear_case linear = read_case(set, c);
    const auto& algorithm = c.at("algorithm");
    const double alpha = algorithm.is_string() ? 1.0 : algorithm.at("alpha").to_number<double>();
    absmax_observer channels(range_axis::columns);
    for (std::size_t i = 0; i < linear.batches.size(); ++i) channels.observe<float>(linear.batch(i));
    const std::vector<float> scale = smoothquant_scale(linear.weights(), channels.amax(), alpha);
    if (c.contains("error")) {  // a column of zero weights: ModelOpt stops, here every scale is usable
      for (const float s : scale) BOOST_TEST((s >= 1e-4F && s <= 1e4F));
      continue;
    }
    const std::vector<float> stored = set.floats(linear.name + ".pre_quant_scale");
    const double difference = relative_difference(scale, stored);
    if (text_of(c.at("dtype")) != "f32") {  // steps there round to bfloat16
      BOOST_TEST(difference <= 8e-3, linear.name << ": " << difference);
      ++in_bfloat16;
      continue;
    }
    BOOST_TEST(difference <= 1e-6, linear.name << ": " << difference);
    worst = std::max(worst, difference);
    float input_amax = 0.0F;
    for (std::size_t i = 0; i < stored.size(); ++i) input_amax = std::max(input_amax, channels.amax()[i] * stored[i]);
    BOOST_TEST(input_amax == set.floats(linear.name + ".input_amax").at(0));
    BOOST_TEST(relative_difference(folded(linear, stored), set.floats(linear.name + ".folded_weight")) == 0.0);
    ++exact;
  }
  BOOST_TEST_MESSAGE("SmoothQuant: " << exact << " in float32, worst scale " << worst << "; " << in_bfloat16
                                     << " in bfloat16");
  BOOST_TEST(exact >= 5U);
  BOOST_TEST(in_bfloat16 >= 1U);
}

BOOST_AUTO_TEST_CASE(awq) {
  const calibration_set set("linear");
  std::size_t exact = 0;
  double worst = 0;
  for (const auto& entry : set.cases) {
    const auto& c = entry.as_object();
    const std::string name = text_of(c.at("name"));
    if (!set.tensors.has(name + ".act_scale")) continue;
    const linear_case linear = read_case(set, c);
    const bool is_f32 = text_of(c.at("dtype")) == "f32";
    const double allowed = is_f32 ? 1e-6 : 8e-3;
    const auto compare = [&](const char* what, const std::vector<float>& got) {
      const double difference = relative_difference(got, set.floats(name + "." + what));
      BOOST_TEST(difference <= allowed, name << ' ' << what << ": " << difference);
      if (is_f32) worst = std::max(worst, difference);
    };
    mean_magnitude_observer means;
    for (std::size_t i = 0; i < linear.batches.size(); ++i) means.observe<float>(linear.batch(i));
    compare("act_scale", means.mean());
    compare("weight_scale", awq_weight_share(linear.weights(), name == "awq_32" ? 32 : name == "awq_64" ? 64 : 128));
    const auto alpha = static_cast<float>(c.at("alpha").to_number<double>());
    compare("best_scale", awq_scale(set.floats(name + ".act_scale"), set.floats(name + ".weight_scale"), alpha));

    // The alphas that were tried are the first ones of ours.
    const auto& losses = c.at("losses").as_array();
    const double step = c.at("algorithm").at("alpha_step").to_number<double>();
    const std::vector<float> alphas = awq_alphas(step);
    BOOST_REQUIRE_EQUAL(alphas.size(), losses.size());
    std::size_t least = 0;
    for (std::size_t i = 0; i < alphas.size(); ++i) {
      BOOST_TEST(alphas[i] == static_cast<float>(losses[i].at(0).to_number<double>()));
      if (losses[i].at(1).to_number<double>() < losses[least].at(1).to_number<double>()) least = i;
    }
    BOOST_TEST(alphas[least] == alpha);

    if (is_f32) {
      std::vector<float> input_scale = set.floats(name + ".best_scale");
      for (float& s : input_scale) s = 1.0F / s;
      BOOST_TEST(relative_difference(input_scale, set.floats(name + ".pre_quant_scale")) == 0.0);
      BOOST_TEST(relative_difference(folded(linear, input_scale), set.floats(name + ".folded_weight")) == 0.0);
      ++exact;
    }
  }
  BOOST_TEST_MESSAGE("AWQ: " << exact << " in float32, worst scale " << worst);
  BOOST_TEST(exact >= 6U);
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused) {
  const std::vector<float> w(8, 1.0F);
  const std::vector<float> three(3, 1.0F);
  const std::vector<float> four(4, 1.0F);
  BOOST_CHECK_THROW((void)smoothquant_scale({w.data(), {2, 4}}, three), error);
  BOOST_CHECK_THROW((void)smoothquant_scale({w.data(), {2, 4}}, four, 1.5), error);
  BOOST_CHECK_THROW((void)awq_scale(three, four, 0.5F), error);
  BOOST_CHECK_THROW((void)awq_alphas(0.0), error);
  BOOST_CHECK_THROW((void)awq_weight_share({w.data(), {2, 4}}, 0), error);
}
