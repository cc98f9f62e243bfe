#include <sweep/formats/base_formats.hpp>
#include <sweep/formats/compression.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/search/candidates.hpp>
#include <sweep/search/table_search.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

std::vector<std::string> strings(const json::value& list) { return json::value_to<std::vector<std::string>>(list); }

double number(const json::value& value) { return value.is_null() ? 0 : value.to_number<double>(); }

bool near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

// The dictionary form of a quantizer list as ModelOpt 0.47 writes it.
json::object dictionary_form(const json::value& listed) {
  json::object quant_cfg;
  for (const auto& entry : listed.at("quant_cfg").as_array()) {
    const auto& object = entry.as_object();
    const std::string_view name = object.at("quantizer_name").as_string();
    quant_cfg[name == "*" ? "default" : name] =
        object.contains("cfg") ? object.at("cfg") : json::object{{"enable", false}};
  }
  return {{"quant_cfg", quant_cfg}, {"algorithm", listed.at("algorithm")}};
}

// Weights per layer: the cost of the ungrouped NONE choice.
std::vector<double> layer_sizes(const json::value& data) {
  for (const auto& job : data.at("jobs").as_array()) {
    if (job.at("groups").at("list") != "groups_43") continue;
    std::vector<double> sizes;
    for (const auto& costs : job.at("groups").at("costs").as_array()) sizes.push_back(number(costs.as_array().back()));
    return sizes;
  }
  throw std::runtime_error("no ungrouped job");
}

void check_row(const candidate_row& row, const json::value& job, const json::value& group, std::size_t g,
               const std::vector<std::string>& names) {
  BOOST_TEST(row.group.key == group.at("key").as_string().c_str());
  std::vector<std::string> members;
  for (const auto member : row.group.members) members.push_back(names[member]);
  BOOST_TEST(members == strings(group.at("members")), boost::test_tools::per_element());
  const auto& wanted = job.at("groups");
  BOOST_TEST(row.formats == strings(wanted.at("formats")), boost::test_tools::per_element());
  for (std::size_t i = 0; i < row.formats.size(); ++i) {
    BOOST_TEST(row.costs[i] == number(wanted.at("costs").at(g).at(i)));
    BOOST_TEST(near(row.scores[i], number(wanted.at("scores").at(g).at(i))));
    BOOST_TEST(near(row.raw_scores[i], number(wanted.at("raw_scores").at(g).at(i))));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(tables_and_searches_of_every_f32_job) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  const layer_list layers{strings(data.at("layer_names")), layer_sizes(data)};
  std::size_t count = 0;
  for (const auto& job : data.at("jobs").as_array()) {
    if (!job.as_object().contains("layers")) continue;
    BOOST_TEST_CONTEXT(job.at("name").as_string().c_str()) {
      std::string name = job.at("groups").at("formats").at(0).as_string().c_str();
      name.erase(name.find('('));
      candidate_format format{name, compression_of(dictionary_form(job.at("quant_config"))), "", {}};
      for (const auto& score : job.at("layers").as_array()) format.layer_scores.push_back(number(score));
      const auto disabled = strings(job.at("disabled_layers"));
      const auto how = layer_fusion_from(job.at("grouping").as_string());
      const auto rows =
          candidate_table(layers, {format}, {.groups = {how, {}}, .disabled = disabled, .rules = compat::modelopt});
      const auto& list = data.at("group_lists").at(job.at("groups").at("list").as_string()).as_array();
      BOOST_TEST_REQUIRE(rows.size() == list.size());
      for (std::size_t g = 0; g < rows.size(); ++g) check_row(rows[g], job, list[g], g, layers.names);

      const auto& exact = job.at("result").at("exact");
      const auto found = search_bits(rows, number(job.at("constraint").at("effective_bits_adjusted")));
      BOOST_TEST(near(found.score, number(exact.at("score"))));
      BOOST_TEST(found.effective_bits == 16 * number(exact.at("cost")) / number(job.at("result").at("total")));
      BOOST_TEST(found.is_satisfied);
      ++count;
    }
  }
  BOOST_TEST_MESSAGE("candidate tables: " << count << " of 150 f32 jobs");
  BOOST_TEST(count == 150U);
}

BOOST_AUTO_TEST_CASE(tables_of_the_mixed_searches) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  const layer_list layers{strings(data.at("layer_names")), layer_sizes(data)};
  const base_formats presets(qgrain::test::source_path("conf/quant_format"));
  std::size_t count = 0;
  for (const auto& search : data.at("searches").as_array()) {
    const auto& list = data.at("group_lists").at(search.at("groups").at("list").as_string()).as_array();
    const auto how = layer_fusion_from(search.at("grouping").as_string());
    const auto groups = group_layers(layers.names, how);
    std::vector<candidate_format> formats;
    const auto labels = strings(search.at("groups").at("formats"));
    for (const auto& name : strings(search.at("formats"))) {
      const double compression = compression_of(presets.load(name));
      candidate_format format{name, compression, name == "FP8_DEFAULT_CFG" ? "b" : "a", {}};
      format.layer_scores.resize(layers.names.size());
      std::size_t place = 0;
      while (labels[place] != format_label(name, compression)) ++place;
      // the raw score of a group, given to its first member
      for (std::size_t g = 0; g < groups.size(); ++g) {
        format.layer_scores[groups[g].members[0]] = number(search.at("groups").at("raw_scores").at(g).at(place));
      }
      formats.insert(formats.begin(), format);  // the order of the input must not matter
    }
    const auto rows = candidate_table(layers, formats, {.groups = {how, {}}, .rules = compat::modelopt});
    for (std::size_t g = 0; g < rows.size(); ++g) check_row(rows[g], search, list[g], g, layers.names);
    ++count;
  }
  BOOST_TEST(count == 3U);
}

BOOST_AUTO_TEST_CASE(compression_of_the_presets) {
  const base_formats presets(qgrain::test::source_path("conf/quant_format"));
  const std::map<std::string, double> bits{
      {"INT8_DEFAULT_CFG", 8},          {"FP8_DEFAULT_CFG", 8},           {"INT4_AWQ_CFG", 4},
      {"W4A8_AWQ_BETA_CFG", 4},         {"NVFP4_DEFAULT_CFG", 4.5},       {"MXFP4_WEIGHT_ONLY_CFG", 4},
      {"MXFP8_DEFAULT_CFG", 8},         {"FP8_WEIGHT_INT4_ACT_CFG", 4},   {"INT8_WEIGHT_ONLY_CFG", 8},
      {"W4A8_NVFP4_FP8_CFG", 4.5},      {"NVFP4_WEIGHT_INT4_ACT_CFG", 4}, {"MXFP6_DEFAULT_CFG", 6},
      {"MXFP4_WEIGHT_INT8_ACT_CFG", 4}, {"FP8_ALL_LAYERS_CFG", 8}};
  for (const auto& [name, wanted] : bits) BOOST_TEST(16 * compression_of(presets.load(name)) == wanted, name);
  BOOST_TEST(format_label("X", 4.5 / 16) == "X(effective-bits: 4.5)");
  BOOST_TEST(format_label("NONE", 1) == "NONE(effective-bits: 16.0)");
}

BOOST_AUTO_TEST_CASE(a_disabled_member_disables_its_group) {
  const layer_list layers{{"a.q_proj", "a.k_proj", "b"}, {4, 4, 8}};
  const std::vector<std::string> disabled{"*.k_proj"};
  const auto rows = candidate_table(layers, {{"F", 0.25, "", {1, 2, 3}}}, {.disabled = disabled});
  BOOST_TEST_REQUIRE(rows.size() == 2U);
  BOOST_TEST((rows[0].formats == std::vector<std::string>{"NONE(effective-bits: 16.0)"}));
  BOOST_TEST(rows[0].costs[0] == 8);
  BOOST_TEST(rows[1].formats.size() == 2U);
  BOOST_CHECK_EXCEPTION((void)search_bits(rows, 8.0), qgrain::error, [](const qgrain::error& e) {
    return e.code() == qgrain::errc::out_of_range && std::string(e.what()).find("10.0") != std::string::npos;
  });
  BOOST_TEST(search_bits(rows, 10.0).effective_bits == 10.0);
}

BOOST_AUTO_TEST_CASE(own_rules_keep_scores_and_order_by_cost_and_name) {
  const layer_list layers{{"a.q_proj", "a.k_proj", "b"}, {4, 4, 8}};
  const std::vector<candidate_format> formats{
      {"Z", 0.25, "", {1, 2, -3}}, {"B", 0.5, "", {3, 4, 5}, {1, 1, 9}}, {"A", 0.25, "", {7, 8, 9}}};
  const auto rows = candidate_table(layers, formats, {});
  BOOST_TEST_REQUIRE(rows.size() == 2U);
  // A and Z cost 2 in both groups, B 2 in the first and 9 in the second
  BOOST_TEST((rows[0].format_indices == std::vector<std::size_t>{2, 1, 0, 3}));
  BOOST_TEST((rows[0].scores == std::vector<double>{15, 7, 3, 0}));
  BOOST_TEST((rows[0].costs == std::vector<double>{2, 2, 2, 8}));
  BOOST_TEST((rows[0].module_names == std::vector<std::string>{"a.q_proj", "a.k_proj"}));
  BOOST_TEST((rows[1].format_indices == std::vector<std::size_t>{2, 0, 1, 3}));
  BOOST_TEST((rows[1].scores == std::vector<double>{9, -3, 5, 0}));
  BOOST_TEST(rows[1].formats[2] == "B(effective-bits: 8.0)");
  BOOST_TEST(rows[0].latencies.empty());
  // equal in score and cost: the name decides
  const auto equal = candidate_table({{"a"}, {4}}, {{"Z", 0.25, "", {1}}, {"A", 0.25, "", {1}}}, {});
  BOOST_TEST(equal[0].formats[search_bits(equal, 4).picks[0]] == "A(effective-bits: 4.0)");
}

BOOST_AUTO_TEST_CASE(modelopts_rules_cap_each_score_by_the_one_before) {
  const layer_list layers{{"a"}, {4}};
  const std::vector<candidate_format> formats{
      {"Z", 0.5, "1", {3}}, {"A", 0.5, "2", {5}}, {"C", 0.25, "3", {4}}, {"D", 0.75, "0", {-1}}};
  const auto rows = candidate_table(layers, formats, {.rules = compat::modelopt});
  BOOST_TEST((rows[0].format_indices == std::vector<std::size_t>{2, 0, 1, 3, 4}));
  BOOST_TEST((rows[0].raw_scores == std::vector<double>{4, 3, 5, -1, 0}));
  BOOST_TEST((rows[0].scores == std::vector<double>{4, 3, 3, -1, 0}));
}

BOOST_AUTO_TEST_CASE(bad_input) {
  const layer_list layers{{"a"}, {4}};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto sentence = [&](std::vector<candidate_format> formats, const table_options& options) {
    try {
      (void)candidate_table(layers, std::move(formats), options);
    } catch (const qgrain::error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  BOOST_TEST(sentence({{"F", 0.5, "", {nan}}}, {}) == "the score of a under F is not finite");
  BOOST_TEST(sentence({{"F", 0.5, "", {HUGE_VAL}}}, {.method = "kl_div"}) ==
             "the kl_div score of a under F is not finite");
  BOOST_TEST(sentence({{"F", 0.5, "", {1}, {nan}}}, {}) == "the cost of a under F is not finite");
  BOOST_TEST(sentence({{"F", 0.5, "", {1}, {}, {1}}}, {.none_latencies = {nan}}) ==
             "the latency of a under NONE is not finite");
  BOOST_TEST(sentence({{"F", 0.5, "", {1}}}, {.none_latencies = {1}}) == "format F has 0 latencies for 1 layers");
  BOOST_TEST(sentence({{"F", 0.5, "", {1, 2}}}, {}) == "format F has 2 scores for 1 layers");
  BOOST_TEST(sentence({}, {}) == "there is no format to choose from");
  BOOST_TEST(sentence({{"F", 0.5, "", {1}}, {"F", 0.25, "", {1}}}, {}) == "the format F is among the choices twice");
  BOOST_TEST(sentence({{"F", 0.5, "", {1}}}, {.disabled = {"a*"}}) == "every layer is disabled (a*)");
  BOOST_CHECK_THROW((void)layer_fusion_from("fused"), qgrain::error);
}

BOOST_AUTO_TEST_CASE(an_entry_that_makes_no_sense_is_named) {
  const auto sentence = [](const json::value& entry) {
    try {
      (void)compression_of({{"quant_cfg", {{"default", entry}}}});
    } catch (const qgrain::error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  BOOST_TEST(sentence({{"num_bits", "many"}}) ==
             "quant_cfg[default]: num_bits is neither a positive integer nor a pair");
  BOOST_TEST(sentence(7) == "quant_cfg[default] is no mapping");
  BOOST_TEST(sentence({{"num_bits", 8}}).empty());
}
