// A mix as the sweep writes it, read as qgrain-lm reads it: the same numbers to the bit.
#include <common/file.hpp>
#include <common/json_text.hpp>
#include <engine/engine_support.hpp>
#include <engine/mix/mix.hpp>
#include <recipes/fake_recipes.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>

using namespace qgrain::engine;
using qgrain::engine::testing::tiny;

namespace {

// Positive floats of all magnitudes: most have no short decimal form.
std::vector<float> random_floats(std::mt19937& random, std::size_t count) {
  std::vector<float> values;
  while (values.size() < count) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random() & 0x7FFFFFFFU));
    if (std::isfinite(value) && value > 0) values.push_back(value);
  }
  return values;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_written_mix_is_read_exactly) {
  std::mt19937 random(14);
  const std::size_t linears = tiny().linears().size();
  recipe_mix mix{std::vector<linear_recipes>(linears), std::vector<std::vector<float>>(linears),
                 std::vector<std::vector<float>>(linears), std::vector<std::optional<float>>(linears)};
  for (std::size_t l = 0; l < linears; ++l) {
    mix.linears[l].weight = qgrain::recipes::find_fake_recipe("int8/per_tensor");
    mix.linears[l].activation = qgrain::recipes::find_fake_recipe("int8/per_tensor_static");
    mix.input_amax[l] = random_floats(random, 1);
    if (l % 2 == 0) {
      mix.input_scale[l] = random_floats(random, static_cast<std::size_t>(tiny().linears()[l].in));
    } else {
      mix.weight_amax[l] = random_floats(random, 1).front();
    }
  }
  const qgrain::lm::testing::temporary_folder folder;
  const std::filesystem::path path = folder.path() / "mix.json";
  qgrain::common::write_text_file(path, qgrain::common::json_text(mix_json(mix, tiny())) + "\n");
  const recipe_mix read = read_mix(path, tiny());
  BOOST_TEST((read.input_amax == mix.input_amax));
  BOOST_TEST((read.input_scale == mix.input_scale));
  BOOST_TEST((read.weight_amax == mix.weight_amax));
}

// A range that is not the weight's own is taken in its place, by recipes that have one for the tensor.
BOOST_AUTO_TEST_CASE(a_given_range_of_a_weight_goes_with_what_uses_it) {
  const auto fault_of = [](const std::string& entry) {
    try {
      (void)parse_mix(boost::json::parse("{\"linears\": {\"lm_head\": " + entry + "}}"), "mix.json", tiny());
    } catch (const qgrain::error& fault) {
      return std::string(fault.what());
    }
    return std::string();
  };
  BOOST_TEST(fault_of(R"({"weight": "fp8/per_tensor", "weight_amax": 2.5})") == "");
  const std::string tensor = "lm_head: \"weight_amax\" goes with a weight recipe that has a range per tensor";
  BOOST_TEST(fault_of(R"({"weight": "int8/per_out_channel", "weight_amax": 2.5})").find(tensor) != std::string::npos);
  BOOST_TEST(fault_of(R"({"weight_amax": 2.5})").find(tensor) != std::string::npos);
  BOOST_TEST(fault_of(R"({"weight": "fp8/per_tensor", "weight_amax": -1})").find("not negative") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(values_of_the_wrong_kind_are_named_with_file_and_key) {
  const auto refused = [](const std::string& linears, const std::vector<std::string>& words) {
    qgrain::lm::testing::expect_error(qgrain::errc::bad_file, words, [&] {
      const boost::json::value mix = boost::json::parse("{\"linears\": " + linears + "}");
      (void)parse_mix(mix, "mix.json", tiny());
    });
  };
  refused("[]", {"mix.json: linears must be an object, not []"});
  refused(R"({"lm_head": 1})", {"mix.json: linears.lm_head must be an object with \"weight\"", "not 1"});
  refused(R"({"lm_head": {"weight": 8, "activation": null, "calibration": 1}})",
          {"linears.lm_head.weight must be a string, a recipe's name, not 8; linears.lm_head.activation must be",
           "not null; ", "linears.lm_head.calibration must be a string, a calibration's name, not 1"});
  refused(R"({"lm_head": {"input_amax": "x"}})", {"linears.lm_head.input_amax must be a number", "not \"x\""});
  refused(R"({"model.layers.0.mlp.up_proj": {"input_scale": [0]}})",
          {"linears.\"model.layers.0.mlp.up_proj\".input_scale must be an array of 128 positive numbers, not [0]"});
}
