#include <common/json.hpp>
#include <sweep/formats/base_formats.hpp>
#include <sweep/formats/modelopt_attributes.hpp>
#include <sweep/formats/quantization_job.hpp>
#include <sweep/formats/recipe_mapping.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/settings/quantization_settings.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

constexpr auto weight = quantizer_role::weight;
constexpr auto activation = quantizer_role::activation;

recipe_catalog catalog() {
  recipe_catalog result;
  for (const std::string dtype : {"int8", "int4", "fp8"}) {
    for (const char* grain : {"per_tensor", "per_out_channel", "per_in_channel", "group32", "group64", "group128"}) {
      result.weights.push_back(dtype + "/" + grain);
    }
    for (const char* grain : {"per_tensor_static", "per_tensor_dynamic", "per_token_dynamic", "per_hidden_channel"}) {
      result.activations.push_back(dtype + "/" + grain);
    }
  }
  for (const char* name : {"fp8/tile128x128", "mxfp4_rceil", "mxfp8_e4m3_rceil", "nvfp4_modelopt"}) {
    result.weights.emplace_back(name);
  }
  result.activations.emplace_back("mxfp8_e4m3_rceil");
  std::vector<std::string> all = result.weights;
  all.insert(all.end(), result.activations.begin(), result.activations.end());
  result.has = [all](std::string_view name) { return std::find(all.begin(), all.end(), name) != all.end(); };
  return result;
}

json::object shipped(const std::string& path) {
  return qgrain::common::read_json_object(qgrain::test::source_path("conf/" + path + ".json"));
}

granularity_choice overlay(const std::string& name) {
  return granularity_of({{"quant_granularity", shipped("quant_granularity/" + name)}});
}

// "int4/group128" of {"dtype": "int4", "granularity": "group128"}, "fp16" of {"dtype": "fp16", ...}.
std::string recorded_name(const json::value& variant) {
  const std::string dtype = variant.at("dtype").as_string().c_str();
  return dtype == "fp16" ? dtype : dtype + "/" + variant.at("granularity").as_string().c_str();
}

std::string sentence(quantizer_role role, const json::value& attributes, const json::value& algorithm = "max") {
  try {
    (void)recipe_name(role, attributes, algorithm);
  } catch (const qgrain::error& e) {
    BOOST_TEST((e.code() == qgrain::errc::unsupported));
    return e.what();
  }
  return {};
}

std::vector<std::string> folder_names(const char* group) {
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(qgrain::test::source_path(std::string("conf/") + group))) {
    names.insert(entry.path().stem().string());
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> comma_list(const json::value& text) {
  std::vector<std::string> parts(1);
  for (const char c : text.as_string()) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_quantizer_that_the_score_files_record) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  std::size_t count = 0;
  for (const auto& job : data.at("jobs").as_array()) {
    if (job.at("weight").as_object().contains("preset")) continue;
    BOOST_TEST_CONTEXT(job.at("name").as_string().c_str()) {
      json::object quant_cfg;
      for (const auto& entry : job.at("quant_config").at("quant_cfg").as_array()) {
        const auto& object = entry.as_object();
        quant_cfg[object.at("quantizer_name").as_string()] =
            object.contains("cfg") ? object.at("cfg") : json::object{{"enable", false}};
      }
      const auto found = recipes_of({{"quant_cfg", quant_cfg}, {"algorithm", "max"}}, catalog());
      BOOST_TEST(found.weight == recorded_name(job.at("weight")));
      BOOST_TEST(found.activation == recorded_name(job.at("activation")));
      ++count;
    }
  }
  BOOST_TEST_MESSAGE("recorded quantizers: " << count << " of 236");
  BOOST_TEST(count == 236U);
}

BOOST_AUTO_TEST_CASE(every_job_that_names_a_pair_and_granularities) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  std::size_t jobs = 0, combinations = 0;
  for (const auto& job : data.at("jobs").as_array()) {
    if (job.at("seed").is_null()) continue;
    ++jobs;
    const auto pair = shipped(std::string("quant_pair/") + job.at("seed").at("quant_pair").as_string().c_str());
    for (const auto& name : job.at("seed").at("quant_granularity").as_array()) {
      BOOST_TEST_CONTEXT(job.at("name").as_string().c_str() << " " << name) {
        const auto choice = overlay(name.as_string().c_str());
        const auto found = resolve_quantization(formats, pair.at("format_name").as_string(), choice, catalog());
        BOOST_TEST(found.recipes.weight == recorded_name(job.at("weight")));
        BOOST_TEST(found.recipes.activation == recorded_name(job.at("activation")));
        const auto& costs = job.at("groups").at("costs").at(0).as_array();
        BOOST_TEST(found.compression == costs[0].to_number<double>() / costs[1].to_number<double>());
        ++combinations;
      }
    }
  }
  BOOST_TEST_MESSAGE("seed jobs: " << jobs << " of 107 with " << combinations << " pairs and granularities");
  BOOST_TEST(jobs == 107U);
  BOOST_TEST(combinations == 204U);
}

// What every pair of the table means under every overlay, written out; "" where there is no such recipe.
std::string wanted_weight(const std::string& dtype, const std::string& grain) {
  const std::map<std::string, std::string> blocks{{"fp4", "mxfp4_rceil"},
                                                  {"nvfp4", "nvfp4_modelopt"},
                                                  {"mxfp6_e2m3", "mxfp6_e2m3_rceil"},
                                                  {"mxfp6_e3m2", "mxfp6_e3m2_rceil"},
                                                  {"mxfp8", "mxfp8_e4m3_rceil"},
                                                  {"mxint8", "mxint8_rceil"}};
  const std::map<std::string, std::string> own{{"fp8", "per_tensor"},       {"fp8_e5m2", "per_tensor"},
                                               {"int8", "per_out_channel"}, {"int7", "per_out_channel"},
                                               {"int6", "per_out_channel"}, {"int5", "per_out_channel"},
                                               {"int4", "group128"},        {"int3", "group128"},
                                               {"int2", "group128"},        {"nf4", "group64"}};
  if (dtype == "fp16") return dtype;
  const bool is_default = grain[0] != 'w' && grain[0] != 'r';
  if (const auto block = blocks.find(dtype); block != blocks.end()) {
    if (is_default || grain == "w_group32") return block->second;
    if (grain.starts_with("w_group") || grain.starts_with("w_tile")) return "";
    // an axis takes the blocks away: what is left must be a format of its own
    if (dtype != "mxfp8" && dtype != "mxint8") return "";
    return (dtype == "mxfp8" ? "fp8/" : "int8/") + (grain[0] == 'r' ? "per_out_channel" : grain.substr(2));
  }
  if (is_default) return dtype + "/" + own.at(dtype);
  return dtype + "/" + (grain[0] == 'r' ? "per_out_channel" : grain.substr(2));
}

std::string wanted_activation(const std::string& dtype, const std::string& grain, bool is_calibrated) {
  const std::map<std::string, std::string> blocks{
      {"fp4", "mxfp4_rceil"}, {"nvfp4", "nvfp4_modelopt"}, {"mxfp8", "mxfp8_e4m3_rceil"}};
  const std::map<std::string, std::string> names{{"a_per_tensor_static", "per_tensor_static"},
                                                 {"a_per_tensor_dynamic", "per_tensor_dynamic"},
                                                 {"a_per_token_dynamic", "per_token_dynamic"},
                                                 {"recipe_match_channel_token", "per_token_dynamic"},
                                                 {"a_per_hidden_channel_static", "per_hidden_channel"},
                                                 {"a_group32", "group32"},
                                                 {"a_group64", "group64"},
                                                 {"a_group128", "group128"}};
  if (dtype == "fp16") return dtype;
  const auto named = names.find(grain);
  if (const auto block = blocks.find(dtype); block != blocks.end()) {
    if (named == names.end() || grain == "a_group32") return block->second;
    return dtype == "mxfp8" && !grain.starts_with("a_group") ? "fp8/" + named->second : "";
  }
  if (named != names.end()) return dtype + "/" + named->second;
  return dtype + (is_calibrated ? "/per_tensor_static" : "/per_tensor_dynamic");
}

BOOST_AUTO_TEST_CASE(the_whole_grid_of_pairs_and_overlays) {
  const quant_dtypes dtypes(shipped("quant_dtype"), "quant_dtype.json");
  const base_formats formats(qgrain::test::source_path("conf/quant_format"), dtypes);
  recipe_catalog everything;
  everything.has = [](std::string_view) { return true; };
  const std::vector<std::string> files = folder_names("quant_pair");
  std::size_t legal = 0, illegal = 0, without_effect = 0, by_rule = 0;
  BOOST_TEST(dtypes.pairs().size() == 17U * 7U - 1U);
  for (const std::string& name : files) BOOST_TEST(dtypes.pairs().contains(name), name);
  for (const auto& [pair_name, dtype] : dtypes.pairs()) {
    const bool has_file = std::find(files.begin(), files.end(), pair_name) != files.end();
    const json::object pair = has_file ? shipped("quant_pair/" + pair_name) : pair_choice(pair_name, dtype);
    BOOST_TEST(pair.at("name").as_string().c_str() == pair_name);
    BOOST_TEST(pair.at("weight").as_string().c_str() == dtype.weight);
    BOOST_TEST(pair.at("activation").as_string().c_str() == dtype.activation);
    by_rule += has_file ? 0U : 1U;
    const std::string format = pair.at("format_name").as_string().c_str();
    for (const auto& grain : folder_names("quant_granularity")) {
      BOOST_TEST_CONTEXT(pair_name << " " << grain) {
        const std::string w = wanted_weight(dtype.weight, grain);
        const std::string a = wanted_activation(dtype.activation, grain, pair_name != "wfp4_afp8");
        try {
          const auto job = resolve_quantization(formats, format, overlay(grain), everything);
          BOOST_TEST(job.recipes.weight == w);
          BOOST_TEST(job.recipes.activation == a);
          ++legal;
          if (!job.has_effect) ++without_effect;
        } catch (const qgrain::error& e) {
          BOOST_TEST((w.empty() || a.empty()), e.what());
          BOOST_TEST(std::string(e.what()).starts_with(format + " with " + grain));
          ++illegal;
        }
      }
    }
  }
  BOOST_TEST_MESSAGE("grid: " << legal << " legal, " << illegal << " illegal, " << without_effect
                              << " without effect; pairs by rule: " << by_rule);
  BOOST_TEST(legal + illegal == 118U * 17U);
  BOOST_TEST(by_rule == 118U - files.size());
}

BOOST_AUTO_TEST_CASE(an_overlay_without_effect_is_known) {
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const auto resolved = [&](const char* format, const char* grain) {
    return resolve_quantization(formats, format, overlay(grain), catalog());
  };
  BOOST_TEST(!resolved("INT8_WEIGHT_ONLY_CFG", "a_per_token_dynamic").has_effect);
  BOOST_TEST(!resolved("FP8_DEFAULT_CFG", "w_per_tensor").has_effect);
  BOOST_TEST(resolved("FP8_DEFAULT_CFG", "w_per_out_channel").has_effect);
  BOOST_TEST(resolved("FP8_DEFAULT_CFG", "default").has_effect);
  BOOST_TEST(resolved("FP8_DEFAULT_CFG", "w_per_tensor").format_name == "FP8_DEFAULT_CFG");
  BOOST_TEST(resolved("FP8_DEFAULT_CFG", "w_group64").format_name == "CUSTOM_0");
  const auto description = resolved("FP8_DEFAULT_CFG", "w_group64").description();
  BOOST_TEST(json::serialize(description) ==
             R"({"base_format_name":"FP8_DEFAULT_CFG","quant_granularity":{"name":"w_group64","quant_cfg_overrides":)"
             R"({"*weight_quantizer":{"block_sizes":{"-1":64}}}},"effective_quantizer_summary":)"
             R"({"*weight_quantizer":{"block_sizes":{"-1":64}},"*input_quantizer":{"axis":null}}})");
}

BOOST_AUTO_TEST_CASE(the_demo_has_its_jobs) {
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const auto sweep = shipped("preset/demo").at("sweep").as_object();
  std::size_t jobs = 0;
  std::set<std::string> distinct;
  for (const auto& pair : comma_list(sweep.at("quant_pair"))) {
    for (const auto& grain : comma_list(sweep.at("quant_granularity"))) {
      const auto format = shipped("quant_pair/" + pair).at("format_name");
      const auto job = resolve_quantization(formats, format.as_string(), overlay(grain), catalog());
      distinct.insert(job.recipes.weight + " " + job.recipes.activation);
      ++jobs;
    }
  }
  BOOST_TEST(jobs == 32U);
  BOOST_TEST(distinct.size() >= 24U);
}

BOOST_AUTO_TEST_CASE(shipped_presets) {
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const auto check = [&](const char* name, const char* w, const char* a) {
    const json::object config = formats.load(name);
    const auto& cfg = config.at("quant_cfg");
    BOOST_TEST(recipe_name(weight, cfg.at("*weight_quantizer"), config.at("algorithm")) == w, name);
    BOOST_TEST(recipe_name(activation, cfg.at("*input_quantizer"), config.at("algorithm")) == a, name);
  };
  check("W4A8_MXFP4_FP8_CFG", "mxfp4_rceil", "fp8/per_tensor_dynamic");
  check("MXFP4_WEIGHT_INT8_ACT_CFG", "mxfp4_rceil", "int8/per_tensor_static");
  check("W4A8_NVFP4_FP8_CFG", "nvfp4_modelopt", "fp8/per_tensor_static");
  check("NVFP4_DEFAULT_CFG", "nvfp4_modelopt", "nvfp4_modelopt");
  check("MXFP8_DEFAULT_CFG", "mxfp8_e4m3_rceil", "mxfp8_e4m3_rceil");
  check("MXFP6_DEFAULT_CFG", "mxfp6_e3m2_rceil", "mxfp6_e3m2_rceil");
  check("MXINT8_DEFAULT_CFG", "mxint8_rceil", "mxint8_rceil");
  check("FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG", "fp8/tile128x128", "fp16");
  check("FP8_PER_CHANNEL_PER_TOKEN_CFG", "fp8/per_out_channel", "fp8/per_token_dynamic");
}

BOOST_AUTO_TEST_CASE(attributes_and_names) {
  const auto w = [](const json::object& attributes) { return recipe_name(weight, attributes, "max"); };
  const auto a = [](const json::object& attributes) { return recipe_name(activation, attributes, "max"); };
  BOOST_TEST(w({}) == "int8/per_tensor");
  BOOST_TEST(w({{"num_bits", 4}, {"axis", -1}}) == "int4/per_in_channel");
  BOOST_TEST(w({{"num_bits", 4}, {"axis", {0}}}) == "int4/per_out_channel");
  BOOST_TEST(w({{"num_bits", 3}, {"axis", -2}}) == "int3/per_out_channel");
  BOOST_TEST(w({{"block_sizes", {{"1", 96}}}}) == "int8/group96");
  BOOST_TEST(w({{"block_sizes", {{"-1", 128}, {"-2", 64}}}}) == "int8/tile64x128");
  BOOST_TEST(w({{"block_sizes", {{"-1", nullptr}}}}) == "int8/per_out_channel");
  BOOST_TEST(w({{"block_sizes", {{"-2", nullptr}}}}) == "int8/per_in_channel");
  BOOST_TEST(w({{"block_sizes", {{"-1", nullptr}, {"-2", nullptr}}}}) == "int8/per_tensor");
  BOOST_TEST(w({{"num_bits", 4}, {"type", "dynamic"}, {"axis", 0}}) == "int4/per_out_channel");
  BOOST_TEST(a({{"type", "dynamic"}}) == "int8/per_tensor_dynamic");
  BOOST_TEST(a({{"axis", -1}}) == "int8/per_hidden_channel");
  BOOST_TEST(a({{"type", "dynamic"}, {"block_sizes", {{"-1", 64}}}}) == "int8/group64");
  // the words in block_sizes are void once a null turns it into an axis
  BOOST_TEST(a({{"num_bits", {4, 3}},
                {"type", "dynamic"},
                {"block_sizes", {{"-1", nullptr}, {"type", "dynamic"}, {"scale_bits", {8, 0}}}}}) ==
             "fp8/per_token_dynamic");
  // nothing is calibrated without an algorithm, unless the attribute asks for it
  BOOST_TEST(recipe_name(activation, json::object{{"num_bits", 8}}, nullptr) == "int8/per_tensor_dynamic");
  BOOST_TEST(recipe_name(activation, json::object{{"type", "static"}}, nullptr) == "int8/per_tensor_static");
  BOOST_TEST(recipe_name(weight, json::object{{"num_bits", 8}}, {{"method", "max"}}) == "int8/per_tensor");
  BOOST_TEST(recipe_name(weight, json::object{{"enable", false}}, "awq_lite") == "fp16");
}

BOOST_AUTO_TEST_CASE(what_no_recipe_can_follow_is_named) {
  const auto starts = [](const std::string& text, const char* wanted) {
    BOOST_TEST(text.starts_with(wanted), text << " should start with " << wanted);
  };
  for (const char* flag : {"narrow_range", "unsigned", "rotate"})
    starts(sentence(weight, {{"num_bits", 8}, {flag, true}}), flag);
  starts(sentence(weight, {{"num_bits", 8}, {"fake_quant", false}}), "fake_quant: ");
  starts(sentence(weight, {{"num_bits", 8}, {"bias", {{"-1", nullptr}}}}), "bias: ");
  starts(sentence(weight, {{"num_bits", 8}, {"calibrator", "histogram"}}), "calibrator: ");
  starts(sentence(weight, json::array{json::object{{"num_bits", 4}}}), "num_bits: quantizers in sequence");
  starts(sentence(weight, {{"num_bits", {2, 1}}, {"axis", 0}}), "attributes: floating-point formats other than");
  starts(sentence(weight, {{"color", "red"}}), "attributes: there is no attribute color");
  starts(sentence(weight, {{"axis", {0, 1}}}), "axis: ");
  starts(sentence(weight, {{"axis", 2}}), "axis: ");
  starts(sentence(activation, {{"axis", 0}}), "axis: ");
  starts(sentence(activation, {{"axis", -1}, {"type", "dynamic"}}), "type: ");
  starts(sentence(activation, {{"block_sizes", {{"-1", nullptr}}}}), "type: a range per token must be dynamic");
  starts(sentence(activation, {{"block_sizes", {{"-1", 64}}}}), "type: blocks of activations");
  starts(sentence(activation, {{"block_sizes", {{"-2", 64}}}, {"type", "dynamic"}}), "block_sizes: ");
  starts(sentence(weight, {{"block_sizes", json::object{}}}), "block_sizes: it names no dimension");
  starts(sentence(weight, {{"block_sizes", {{"-1", 0}}}}), "block_sizes: 0 is no block length");
  starts(sentence(weight, {{"block_sizes", {{"-2", 16}}}}), "block_sizes: blocks across rows only");
  starts(sentence(weight, {{"block_sizes", {{"-1", 16}, {"-2", nullptr}}}}), "block_sizes: null beside");
  starts(sentence(weight, {{"block_sizes", {{"-1", 16}, {"scale_bits", 8}}}}), "block_sizes.scale_bits: static");
  starts(sentence(weight, {{"block_sizes", {{"-1", 32}, {"type", "dynamic"}}}}), "block_sizes.scale_bits: dynamic");
  starts(sentence(weight, {{"block_sizes", {{"-1", 32}, {"scale_block_sizes", {{"-1", 8}}}}}}),
         "block_sizes: no compiled");
  const auto mx = [](json::value bits, int length, json::value scale) {
    return json::value{{"num_bits", std::move(bits)},
                       {"block_sizes", {{"-1", length}, {"type", "dynamic"}, {"scale_bits", std::move(scale)}}}};
  };
  starts(sentence(weight, mx({2, 1}, 64, {8, 0})), "block_sizes: MX formats have blocks of 32, not of 64");
  starts(sentence(weight, mx({2, 1}, 64, {4, 3})), "block_sizes: NVFP4 has blocks of 16, not of 64");
  starts(sentence(weight, mx({4, 3}, 16, {4, 3})), "num_bits: ");
  starts(sentence(weight, mx({1, 2}, 32, {8, 0})), "num_bits: [1,2] is no MX format");
  starts(sentence(weight, mx({2, 1}, 32, {5, 2})), "block_sizes.scale_bits: ");
  for (const char* algorithm : {"awq_full", "awq_clip", "svdquant", "gptq"}) {
    starts(sentence(weight, {{"num_bits", 8}}, algorithm), "algorithm: \"");
    BOOST_TEST((sentence(weight, {{"num_bits", 8}}, algorithm).find("is not built in") != std::string::npos),
               algorithm);
  }
  starts(sentence(weight, {{"num_bits", 8}}, {{"method", "awq_clip"}}),
         "algorithm: {\"method\":\"awq_clip\"} is not built in");
  starts(sentence(weight, {{"num_bits", 8}}, {{"method", "smoothquant"}, {"alpha", 0.5}}), "algorithm.alpha: ");
  starts(sentence(weight, {{"num_bits", 4}, {"format", "nf5"}}), "format: \"nf5\" is neither");
  starts(sentence(weight, {{"num_bits", 4},
                           {"format", "nf4"},
                           {"block_sizes", {{"-1", 32}, {"type", "dynamic"}, {"scale_bits", {8, 0}}}}}),
         "format: dynamic blocks");
  const json::object config{{"quant_cfg", {{"*weight_quantizer", {{"num_bits", 5}}}, {"default", {{"enable", false}}}}},
                            {"algorithm", "max"}};
  BOOST_CHECK_EXCEPTION((void)recipes_of(config, catalog()), qgrain::error, [](const qgrain::error& e) {
    const std::string text = e.what();
    return text.starts_with("*weight_quantizer needs the recipe int5/per_tensor, which is not compiled") &&
           text.find("int8/per_tensor") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(entries_of_other_quantizers_must_be_off) {
  const auto fault = [](const char* key, const json::value& entry) -> std::string {
    const json::object quant_cfg{
        {"*weight_quantizer", {{"num_bits", 8}}}, {key, entry}, {"default", {{"enable", false}}}};
    try {
      (void)recipes_of({{"quant_cfg", quant_cfg}, {"algorithm", "max"}}, catalog());
    } catch (const qgrain::error& e) {
      return e.what();
    }
    return {};
  };
  const json::object on{{"num_bits", 8}};
  const json::object disabled{{"num_bits", 8}, {"enable", false}};
  BOOST_TEST(fault("*lm_head*", disabled).empty());
  BOOST_TEST(fault("nn.BatchNorm1d", {{"*", disabled}}).empty());
  for (const char* key : {"*output_quantizer", "*[kv]_bmm_quantizer", "*mlp*weight_quantizer"})
    BOOST_TEST((fault(key, on).starts_with(std::string(key) + ": only *weight_quantizer")));
  BOOST_TEST(!fault("nn.Conv2d", {{"*weight_quantizer", on}, {"*input_quantizer", disabled}}).empty());
  BOOST_TEST(!fault("*output_quantizer", json::array{on}).empty());
}

BOOST_AUTO_TEST_CASE(modelopts_own_rules) {
  const json::object nvfp4{{"num_bits", {2, 1}},
                           {"block_sizes", {{"-1", 128}, {"type", "dynamic"}, {"scale_bits", {4, 3}}}}};
  BOOST_TEST(recipe_name(weight, nvfp4, "max", compat::modelopt) == "nvfp4_modelopt");
  BOOST_CHECK_THROW((void)recipe_name(weight, nvfp4, "max"), qgrain::error);
  const json::object named_static{{"num_bits", {4, 3}}, {"axis", nullptr}, {"type", "static"}};
  BOOST_TEST(recipe_name(activation, named_static, nullptr, compat::modelopt) == "fp8/per_tensor_dynamic");
  BOOST_TEST(recipe_name(activation, named_static, nullptr) == "fp8/per_tensor_static");
  BOOST_TEST(recipe_name(activation, named_static, "max", compat::modelopt) == "fp8/per_tensor_static");
  // under these rules every pair of the driver names a format that exists
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  for (const char* pair : {"wfp4_afp16", "wfp4_afp8", "wfp4_aint4", "wfp4_aint8"}) {
    const auto name = shipped(std::string("quant_pair/") + pair).at("modelopt_format_name");
    const quantization_rules rules{compat::modelopt, {}};
    const auto job = resolve_quantization(formats, name.as_string(), overlay("w_group64"), catalog(), rules);
    BOOST_TEST(job.recipes.weight == "nvfp4_modelopt", pair);
  }
}

BOOST_AUTO_TEST_CASE(an_algorithm_from_outside_goes_before_the_formats_own) {
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const auto resolved = [&](const char* format, const json::value& algorithm) {
    return resolve_quantization(formats, format, overlay("default"), catalog(), {compat::qgrain, algorithm});
  };
  BOOST_TEST(resolved("INT4_AWQ_CFG", "max").recipes.weight == "int4/group128");
  BOOST_TEST(resolved("INT4_AWQ_CFG", "max").format_name == "CUSTOM_0");
  BOOST_TEST(resolved("FP8_DEFAULT_CFG", "max").format_name == "FP8_DEFAULT_CFG");
  BOOST_TEST(resolved("FP8_DEFAULT_CFG", nullptr).recipes.activation == "fp8/per_tensor_dynamic");
}

BOOST_AUTO_TEST_CASE(an_algorithm_names_the_calibration) {
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const auto calibration = [&](const char* format, std::optional<json::value> algorithm) {
    return resolve_quantization(formats, format, overlay("default"), catalog(), {compat::qgrain, std::move(algorithm)})
        .recipes.calibration;
  };
  BOOST_TEST(calibration("INT8_SMOOTHQUANT_CFG", {}) == "smoothquant");
  BOOST_TEST(calibration("INT4_AWQ_CFG", {}) == "awq_lite");
  BOOST_TEST(calibration("INT4_AWQ_CFG", "max") == "max");
  BOOST_TEST(calibration("MXFP4_DEFAULT_CFG", {}) == "max");
  BOOST_TEST(calibration("INT8_DEFAULT_CFG", {}) == "max");
  for (const char* name : {"percentile", "mse", "entropy", "smoothquant", "awq_lite"}) {
    BOOST_TEST(shipped(std::string("calibration/") + name).at("algorithm") == json::value(name));
    BOOST_TEST(calibration("INT8_DEFAULT_CFG", name) == name);
    BOOST_TEST(calibration("INT8_DEFAULT_CFG", json::value{{"method", name}}) == name);
  }
  BOOST_TEST(calibration("INT8_DEFAULT_CFG", json::value{{"method", "mse"}, {"step_size", 0.1}}) == "mse");
  BOOST_CHECK_EXCEPTION((void)resolve_quantization(formats, "INT8_DEFAULT_CFG", overlay("default"), catalog(),
                                                   {compat::modelopt, json::value("mse")}),
                        qgrain::error, [](const qgrain::error& e) {
                          return std::string(e.what()).find("ranges of weights as well") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(every_shipped_file_is_read) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(qgrain::test::source_path("conf"))) {
    if (entry.path().extension() != ".json") continue;
    BOOST_CHECK_NO_THROW((void)qgrain::common::read_json_object(entry.path()));
    ++files;
  }
  BOOST_TEST(files >= 75U);
  BOOST_TEST(folder_names("quant_pair").size() == 23U);
  BOOST_TEST(folder_names("quant_granularity").size() == 17U);
  const auto data = qgrain::test::reference("overlay/merge_cases.json");
  BOOST_TEST(data.at("overlays").as_object().size() == 9U);
  for (const auto& entry : data.at("overlays").as_object())
    BOOST_TEST(json::serialize(overlay(entry.key()).overrides) == json::serialize(entry.value()));
}
