// The chosen mix as a ModelOpt configuration and as qgrain-lm reads it.
#include <common/glob.hpp>
#include <common/json_text.hpp>
#include <engine/calibrate/fake_linear.hpp>
#include <recipes/fake_recipes.hpp>
#include <sweep/autoquant_manifest.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/results/format_choice.hpp>
#include <sweep/results/quant_recipe.hpp>
#include <sweep/summary/json_schema.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <set>

namespace json = boost::json;
using namespace qgrain::engine;
using namespace qgrain::sweep;
using qgrain::errc;
using qgrain::test::autoquant_manifest;

namespace {

// State of a quantizer once a configuration is applied: null where it is off.
using quantizers = std::map<std::string, json::value>;

// Applies the entries in order, as ModelOpt does: what matches takes all attributes of an entry, or is turned off.
quantizers applied(const json::object& recipe, const std::vector<std::string>& layers) {
  quantizers found;
  for (const std::string& layer : layers) {
    for (const char* part : {".weight_quantizer", ".input_quantizer", ".output_quantizer"}) {
      json::value& state = found[layer + part] = "untouched";
      for (const json::value& entry : recipe.at("quant_cfg").as_array()) {
        if (!qgrain::common::glob_match(std::string_view(entry.at("quantizer_name").as_string()), layer + part))
          continue;
        state = entry.at("enable").as_bool() ? entry.at("cfg") : json::value();
      }
    }
  }
  return found;
}

std::vector<std::string> layers_of(const json::object& manifest) {
  std::vector<std::string> names;
  for (const layer_choice& choice : layer_choices(manifest)) names.push_back(choice.layer);
  return names;
}

json::object& format_in(json::object& manifest, std::size_t index) {
  return manifest.at("formats").as_array().at(index).as_object();
}

void check_schema(const json::value& value, const std::string& name) {
  const std::string path = "docs/schema/" + name + ".schema.json";
  const qgrain::test::json_schema schema(
      qgrain::common::parse_json(qgrain::test::file_text(qgrain::test::source_path(path)), path));
  const std::vector<std::string> faults = schema.faults(value);
  BOOST_TEST(faults.empty(), (faults.empty() ? "" : faults.front()));
}

bool raises(errc code, const std::string& part, const std::function<void()>& call) {
  try {
    call();
  } catch (const qgrain::error& fault) {
    BOOST_TEST_MESSAGE(fault.what());
    return fault.code() == code && std::string(fault.what()).find(part) != std::string::npos;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_quantizer_gets_the_attributes_of_the_chosen_format) {
  const json::object manifest = autoquant_manifest();
  const json::object recipe = quant_recipe(manifest);
  const json::value int4 = json::parse(R"({"num_bits": 4, "block_sizes": {"-1": 128, "type": "static"}})");
  const json::value fp8 = json::parse(R"({"num_bits": [4, 3], "axis": 0})");
  const json::value fp8_input = json::parse(R"({"num_bits": [4, 3], "axis": null, "type": "static"})");
  const std::map<std::string, std::pair<json::value, json::value>> wanted{
      {"l.0.attn.q", {int4, nullptr}},      {"l.0.attn.k", {int4, nullptr}},   {"l.0.attn.v", {fp8, fp8_input}},
      {"l.0.mlp.down", {nullptr, nullptr}}, {"l.1.attn.q", {fp8, fp8_input}},  {"l.1.attn.k", {fp8, fp8_input}},
      {"l.1.attn.v", {int4, nullptr}},      {"l.1.mlp.down", {int4, nullptr}}, {"lm_head", {nullptr, nullptr}}};
  // "not_a_layer" and outputs: off by the first entry
  quantizers found = applied(recipe, {"l.0.attn.q", "l.0.attn.k", "l.0.attn.v", "l.0.mlp.down", "l.1.attn.q",
                                      "l.1.attn.k", "l.1.attn.v", "l.1.mlp.down", "lm_head", "not_a_layer"});
  BOOST_TEST(found.size() == 30U);
  for (const auto& [layer, attributes] : wanted) {
    BOOST_TEST((found.at(layer + ".weight_quantizer") == attributes.first), layer);
    BOOST_TEST((found.at(layer + ".input_quantizer") == attributes.second), layer);
    BOOST_TEST(found.at(layer + ".output_quantizer").is_null(), layer);
  }
  BOOST_TEST(found.at("not_a_layer.weight_quantizer").is_null());
  BOOST_TEST(recipe.at("algorithm") == "max");
}

BOOST_AUTO_TEST_CASE(one_entry_per_quantizer_behind_the_one_that_turns_all_off) {
  const json::object manifest = autoquant_manifest();
  const json::object recipe = quant_recipe(manifest);
  const json::array& entries = recipe.at("quant_cfg").as_array();
  BOOST_TEST((entries.front() == json::value{{"quantizer_name", "*"}, {"enable", false}}));
  std::multiset<std::string> names;
  for (const json::value& entry : entries) {
    names.emplace(entry.at("quantizer_name").as_string());
    // an enabled quantizer has attributes, none of them "enable"; one that is off has none
    BOOST_TEST(entry.at("enable").as_bool() == entry.as_object().contains("cfg"));
    if (entry.at("enable").as_bool()) BOOST_TEST(!entry.at("cfg").as_object().contains("enable"));
  }
  std::multiset<std::string> wanted{"*"};
  for (const std::string& layer : layers_of(manifest)) {
    wanted.insert(layer + ".weight_quantizer");
    wanted.insert(layer + ".input_quantizer");
  }
  BOOST_TEST(wanted.size() == 19U);
  BOOST_TEST((names == wanted));
  check_schema(recipe, "quant_recipe");
  BOOST_TEST((qgrain::common::parse_json(qgrain::common::json_text(recipe), "recipe") == json::value(recipe)));
}

BOOST_AUTO_TEST_CASE(attributes_that_modelopt_has_no_words_for) {
  json::object manifest = autoquant_manifest();
  format_in(manifest, 0)["quant_cfg"] =
      json::parse(R"({"*weight_quantizer": {"num_bits": 4, "format": "nf4", "block_sizes": {"-1": 64}, "enable": true},
                      "default": {"axis": null}})");
  format_in(manifest, 0)["activation"] = "int8/per_tensor_dynamic";
  const quantizers found = applied(quant_recipe(manifest), layers_of(manifest));
  BOOST_TEST((found.at("l.0.attn.q.weight_quantizer") ==
              json::parse(R"({"num_bits": "nf4", "backend": "qgrain", "block_sizes": {"-1": 64}})")));
  // default stands in for the missing entry, num_bits has its default, the range is that of the batch
  BOOST_TEST(
      (found.at("l.0.attn.q.input_quantizer") == json::parse(R"({"num_bits": 8, "axis": null, "type": "dynamic"})")));
  check_schema(quant_recipe(manifest), "quant_recipe");
}

BOOST_AUTO_TEST_CASE(names_with_characters_of_patterns) {
  json::object manifest = autoquant_manifest();
  json::object& stats = manifest.at("autoquant_state").at("candidate_stats").as_object();
  stats.at("l.0.attn.q.quant_recipe").at("module_names").as_array() = {"l.[0].q*", "l.0.q?"};
  const json::object recipe = quant_recipe(manifest);
  const quantizers found = applied(recipe, {"l.[0].q*", "l.0.q?", "l.0.q", "l.[0].qq", "l.0.qq"});
  BOOST_TEST(!found.at("l.[0].q*.weight_quantizer").is_null());
  BOOST_TEST(!found.at("l.0.q?.weight_quantizer").is_null());
  for (const char* other : {"l.0.q", "l.[0].qq", "l.0.qq"}) {
    BOOST_TEST(found.at(std::string(other) + ".weight_quantizer").is_null(), other);
  }
}

BOOST_AUTO_TEST_CASE(the_algorithm_of_a_mix) {
  const auto algorithm = [](const char* first, const char* second) {
    json::object manifest = autoquant_manifest();
    format_in(manifest, 0)["algorithm"] = json::parse(first);
    format_in(manifest, 1)["algorithm"] = json::parse(second);
    const json::object recipe = quant_recipe(manifest);
    check_schema(recipe, "quant_recipe");
    return json::serialize(recipe.at("algorithm"));
  };
  BOOST_TEST(algorithm(R"("max")", R"({"method": "max"})") == R"("max")");
  BOOST_TEST(algorithm(R"("smoothquant")", R"("smoothquant")") == R"("smoothquant")");
  BOOST_TEST(algorithm(R"({"method": "awq_lite", "alpha_step": 0.1})",
                       R"({"method": "awq_lite", "alpha_step": 0.1})") == R"({"method":"awq_lite","alpha_step":1E-1})");
  BOOST_TEST(algorithm(R"("max")", R"("awq_lite")") == R"("max")");
  BOOST_TEST(algorithm(R"({"method": "awq_lite", "alpha_step": 0.1})", R"("awq_lite")") == R"("max")");
  // ModelOpt has no such algorithms
  BOOST_TEST(algorithm(R"("percentile")", R"({"method": "entropy", "bins": 4})") == R"("max")");
  BOOST_TEST(algorithm(R"("mse")", R"("mse")") == R"("max")");  // ModelOpt's is about weights
  // a static range needs calibration whatever the format says
  BOOST_TEST(algorithm("null", "null") == R"("max")");

  json::object manifest = autoquant_manifest();
  format_in(manifest, 0)["algorithm"] = "smoothquant";  // chosen nowhere from here on
  for (auto& [group, label] : manifest.at("autoquant_state").at("recipe").as_object()) {
    if (label == "INT4(effective-bits: 4.0)") label = "FP8(effective-bits: 8.0)";
  }
  BOOST_TEST(quant_recipe(manifest).at("algorithm") == "max");
  format_in(manifest, 1)["algorithm"] = nullptr;
  format_in(manifest, 1)["activation"] = "fp16";
  BOOST_TEST(quant_recipe(manifest).at("algorithm").is_null());
  for (auto& [group, label] : manifest.at("autoquant_state").at("recipe").as_object()) {
    label = "NONE(effective-bits: 16.0)";
  }
  const json::object off = quant_recipe(manifest);
  BOOST_TEST(off.at("algorithm").is_null());
  for (const auto& [name, state] : applied(off, layers_of(manifest))) BOOST_TEST(state.is_null(), name);
}

BOOST_AUTO_TEST_CASE(damaged_manifests) {
  json::object manifest = autoquant_manifest();
  const auto recipe_of = [&] { static_cast<void>(quant_recipe(manifest)); };
  manifest.erase("formats");
  BOOST_TEST(raises(errc::bad_file, "INT4(effective-bits: 4.0) of l.0.attn.q", recipe_of));
  manifest = autoquant_manifest();
  manifest.at("autoquant_state").as_object().erase("candidate_stats");
  BOOST_TEST(raises(errc::bad_file, "candidate_stats", recipe_of));
  manifest = autoquant_manifest();
  manifest.at("autoquant_state").at("recipe").as_object()["lm_head.quant_recipe"] = "INT2(effective-bits: 2.0)";
  BOOST_TEST(raises(errc::bad_file, "lm_head.quant_recipe is none of its candidates", recipe_of));
  manifest = autoquant_manifest();
  format_in(manifest, 1)["label"] = "INT4(effective-bits: 4.0)";
  BOOST_TEST(raises(errc::bad_file, "INT4(effective-bits: 4.0) twice", recipe_of));
  manifest = autoquant_manifest();
  format_in(manifest, 0).at("quant_cfg").as_object()["*weight_quantizer"] = json::array{1};
  BOOST_TEST(raises(errc::bad_file, "weight_quantizer of INT4", recipe_of));
}

BOOST_AUTO_TEST_CASE(bits_of_the_choice) {
  json::object manifest = autoquant_manifest();
  std::map<std::string, double> bits;
  for (const layer_choice& choice : layer_choices(manifest)) bits[choice.layer] = choice.bits.value();
  BOOST_TEST(bits.size() == 9U);
  BOOST_TEST(bits.at("l.0.attn.k") == 4.125);  // 16 x 528 / 2048
  BOOST_TEST(bits.at("l.0.attn.v") == 8.0);
  BOOST_TEST(bits.at("lm_head") == 16.0);
  // milliseconds are no sizes: the label counts
  manifest.at("autoquant_state").at("search").as_object()["unit"] = "latency";
  for (const layer_choice& choice : layer_choices(manifest)) bits[choice.layer] = choice.bits.value();
  BOOST_TEST(bits.at("l.0.attn.k") == 4.0);
}

BOOST_AUTO_TEST_CASE(ranges_that_recipes_ask_for) {
  for (const char* name :
       {"int8/per_tensor_static", "int8/per_tensor_dynamic", "int4/per_token_dynamic", "fp8/per_hidden_channel",
        "int4/group32", "fp8/per_tensor_static", "fp8_e5m2/per_tensor_dynamic", "mxfp4_rceil", "mxfp8_e4m3_rceil",
        "mxint8_rceil", "nvfp4_modelopt", "nvfp4_torchao"}) {
    const bool wanted = input_range_of(qgrain::recipes::find_fake_recipe(name)) == input_range::calibrated;
    BOOST_TEST(has_calibrated_range(name) == wanted, name);
  }
  BOOST_TEST(!has_calibrated_range("fp16"));
}
