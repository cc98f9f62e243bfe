#include <common/json.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/settings/autoquant_settings.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

// The shipped group with one key changed.
json::object config_with(std::string_view key, const json::value& value) {
  json::object config{{"autoquant", qgrain::common::read_json_object(
                                        qgrain::test::source_path("conf/autoquant/gradient_default.json"))}};
  if (!key.empty()) config["autoquant"].as_object()[key] = value;
  return config;
}

std::string refusal(std::string_view key, const json::value& value) {
  try {
    static_cast<void>(autoquant_of(config_with(key, value), false));
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

bool names(const std::string& sentence, std::initializer_list<std::string_view> words) {
  return std::all_of(words.begin(), words.end(),
                     [&](std::string_view word) { return sentence.find(word) != std::string::npos; });
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_shipped_scores_by_gradient_alone) {
  const autoquant_settings shipped = autoquant_of(config_with("", {}), false);
  BOOST_TEST((shipped.method == score_method::gradient));
  BOOST_TEST((shipped.methods == std::vector{score_method::gradient}));
  BOOST_TEST(shipped.formats.empty());
  BOOST_TEST(shipped.effective_bits == 8.0);
  BOOST_TEST((shipped.cost == cost_model::nominal));
  BOOST_TEST((autoquant_of(config_with("formats", {"a", "b"}), false).cost == cost_model::stored));
  BOOST_TEST((autoquant_of(config_with("formats", {"a", "b"}), true).cost == cost_model::nominal));
  BOOST_TEST((autoquant_of(config_with("cost", "stored"), true).cost == cost_model::stored));
  BOOST_TEST(!shipped.weight_bytes.has_value());
  BOOST_TEST(!shipped.verify);
}

BOOST_AUTO_TEST_CASE(the_method_of_the_search_comes_first_and_none_twice) {
  json::object config = config_with("methods", {"loss", "kl_div", "gradient"});
  config["autoquant"].as_object()["method"] = "kl_div";
  BOOST_TEST((autoquant_of(config, false).methods ==
              std::vector{score_method::kl_div, score_method::gradient, score_method::loss}));
  BOOST_TEST(autoquant_of(config_with("methods", "all"), false).methods.size() == score_methods);
}

BOOST_AUTO_TEST_CASE(formats_are_names_with_or_without_a_granularity) {
  const autoquant_settings found =
      autoquant_of(config_with("formats", {"wint4_afp16/w_group64", "FP8_DEFAULT_CFG"}), false);
  BOOST_TEST_REQUIRE(found.formats.size() == 2U);
  BOOST_TEST(found.formats[0].name == "wint4_afp16");
  BOOST_TEST(found.formats[0].granularity.value() == "w_group64");
  BOOST_TEST(found.formats[1].name == "FP8_DEFAULT_CFG");
  BOOST_TEST(!found.formats[1].granularity.has_value());
}

BOOST_AUTO_TEST_CASE(every_refusal_names_its_key) {
  BOOST_TEST(names(refusal("method", "gradiant"), {"autoquant.method", "gradiant", "gradient"}));
  BOOST_TEST(names(refusal("methods", {"fisher", "kl"}), {"autoquant.methods", "kl"}));
  BOOST_TEST(names(refusal("methods", 3), {"autoquant.methods", "list"}));
  BOOST_TEST(names(refusal("formats", {"a", "b", "a"}), {"autoquant.formats", "a stands twice"}));
  BOOST_TEST(names(refusal("formats", {"a/"}), {"autoquant.formats", "\"a/\""}));
  BOOST_TEST(names(refusal("effective_bits", 17), {"autoquant.effective_bits", "17"}));
  BOOST_TEST(names(refusal("effective_bits", 0), {"autoquant.effective_bits", "(0, 16]"}));
  BOOST_TEST(names(refusal("study_bits", {5, 0.0}), {"autoquant.study_bits", "(0, 16]"}));
  BOOST_TEST(names(refusal("study_bits", "five"), {"autoquant.study_bits", "numbers"}));
  BOOST_TEST(names(refusal("weight_bytes", -1), {"autoquant.weight_bytes", "positive"}));
  BOOST_TEST(names(refusal("latency_ms", 2.5), {"autoquant.latency_ms", "autoquant.latency_table"}));
  BOOST_TEST(names(refusal("cost", "true"), {"autoquant.cost", "true", "stored", "nominal"}));
  BOOST_TEST(names(refusal("fisher", {{"draws", 0}, {"seed", 0}}), {"autoquant.fisher.draws", "0"}));
  BOOST_TEST(names(refusal("group_rules", {1}), {"autoquant.group_rules", "texts"}));
}
