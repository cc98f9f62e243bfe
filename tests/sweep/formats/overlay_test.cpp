#include <sweep/formats/base_formats.hpp>
#include <sweep/formats/modelopt_attributes.hpp>
#include <sweep/formats/overlay.hpp>
#include <sweep/formats/quantizer_summary.hpp>
#include <sweep/reference_json.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace json = boost::json;
using qgrain::sweep::merge_overlay;

namespace {

// The data marks text keys that look like integers with "str:"; in JSON a blank in front keeps such a key apart from
// the integer key of the same digits.
json::value decoded(const json::value& value) {
  if (value.is_array()) {
    json::array result;
    for (const auto& element : value.get_array()) result.push_back(decoded(element));
    return result;
  }
  if (!value.is_object()) return value;
  json::object result;
  for (const auto& entry : value.get_object()) {
    std::string key = entry.key();
    if (key.starts_with("str:")) key.replace(0, 4, 1, ' ');
    result[key] = decoded(entry.value());
  }
  return result;
}

json::object base_of(const json::object& data, const json::object& entry) {
  if (const auto* own = entry.if_contains("base")) return decoded(*own).as_object();
  return data.at("bases").at(entry.at("base_name").as_string()).as_object();
}

json::object override_of(const json::object& data, const json::object& entry) {
  const auto* own = entry.if_contains("override");
  const json::value value = own ? decoded(*own) : data.at("overlays").at(entry.at("overlay_name").as_string());
  return value.is_null() ? json::object() : value.as_object();
}

json::value accepted(const json::value& entry) {
  if (entry.is_array()) {
    json::array result;
    for (const auto& element : entry.get_array()) result.push_back(accepted(element));
    return result;
  }
  return entry.is_object() ? json::value(qgrain::sweep::modelopt_objection(entry.get_object()).empty()) : json::value();
}

void check_result(const json::object& entry, const json::object& merged) {
  const auto* quant_cfg = merged.if_contains("quant_cfg");
  if (entry.at("result").is_null()) {
    BOOST_TEST((quant_cfg == nullptr));
    return;
  }
  json::object relevant, verdicts;
  for (const auto& item : quant_cfg->as_object()) {
    const std::string_view key = item.key();
    if (key != "*weight_quantizer" && key != "*input_quantizer" && key != "default") continue;
    relevant[key] = item.value();
    verdicts[key] = accepted(item.value());
  }
  // text, not values: the order of the keys counts
  BOOST_TEST(json::serialize(relevant) == json::serialize(entry.at("result")));
  BOOST_TEST(json::serialize(qgrain::sweep::quantizer_summary(merged)) == json::serialize(entry.at("summary")));
  BOOST_TEST(json::serialize(verdicts) == json::serialize(entry.at("accepted_by_modelopt")));
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_reference_merge) {
  const json::object data = qgrain::test::reference("overlay/merge_cases.json").as_object();
  std::size_t results = 0, errors = 0;
  for (const auto& value : data.at("cases").as_array()) {
    const auto& entry = value.as_object();
    BOOST_TEST_CONTEXT(entry.at("id").as_string().c_str()) {
      const json::object base = base_of(data, entry), before = base;
      try {
        const json::object merged = merge_overlay(base, override_of(data, entry));
        BOOST_TEST_REQUIRE(!entry.contains("error"));
        check_result(entry, merged);
        ++results;
      } catch (const qgrain::sweep::overlay_error& fault) {
        BOOST_TEST_REQUIRE(entry.contains("error"));
        const auto& wanted = entry.at("error").as_object();
        BOOST_TEST(std::string(reason(fault.fault())) == std::string(wanted.at("reason").as_string()));
        BOOST_TEST((is_type_fault(fault.fault()) ? "TypeError" : "ValueError") == wanted.at("type").as_string());
        ++errors;
      }
      BOOST_TEST(json::serialize(base) == json::serialize(before));
    }
  }
  BOOST_TEST_MESSAGE("overlay merges: " << results + errors << " of " << data.at("cases").as_array().size() << ", "
                                        << errors << " of them errors");
  BOOST_TEST(results + errors == 235U);
  BOOST_TEST(errors > 20U);
}

BOOST_AUTO_TEST_CASE(shipped_formats_equal_the_reference_bases) {
  const json::object data = qgrain::test::reference("overlay/merge_cases.json").as_object();
  const qgrain::sweep::base_formats formats(qgrain::test::source_path("conf/quant_format"));
  std::size_t count = 0;
  for (const auto& base : data.at("bases").as_object()) {
    BOOST_TEST(json::serialize(formats.load(base.key())) == json::serialize(base.value()));
    ++count;
  }
  BOOST_TEST_MESSAGE("base formats: " << count << " of " << formats.names().size() << " are in the reference");
  BOOST_TEST(count == 26U);
  BOOST_TEST(formats.names().size() == 37U);
}

BOOST_AUTO_TEST_CASE(every_shipped_format_is_one_that_modelopt_takes) {
  const qgrain::sweep::base_formats formats(qgrain::test::source_path("conf/quant_format"));
  for (const auto& name : formats.names()) {
    const json::object config = formats.load(name);
    for (const auto& entry : config.at("quant_cfg").as_object()) {
      if (std::string_view(entry.key()).starts_with("nn.")) continue;
      const json::value verdict = accepted(entry.value());
      for (const auto& one : verdict.is_array() ? verdict.get_array() : json::array{verdict}) {
        BOOST_TEST(one.as_bool(), name << " " << entry.key());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_fp4_pairs_have_their_own_formats) {
  const qgrain::sweep::base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const auto weight = formats.load("MXFP4_WEIGHT_ONLY_CFG").at("quant_cfg").at("*weight_quantizer");
  const auto check = [&](const char* name, const json::value& input, const json::value& algorithm) {
    const json::object config = formats.load(name);
    BOOST_TEST((config.at("quant_cfg").at("*weight_quantizer") == weight));
    BOOST_TEST((config.at("quant_cfg").at("*input_quantizer") == input));
    BOOST_TEST((config.at("algorithm") == algorithm));
  };
  check("W4A8_MXFP4_FP8_CFG", {{"num_bits", {4, 3}}, {"axis", nullptr}, {"enable", true}}, nullptr);
  check("MXFP4_WEIGHT_INT8_ACT_CFG", {{"num_bits", 8}, {"axis", nullptr}, {"enable", true}}, "max");
  check("MXFP4_WEIGHT_INT4_ACT_CFG", {{"num_bits", 4}, {"axis", nullptr}, {"enable", true}}, "max");
}

BOOST_AUTO_TEST_CASE(an_unknown_format_is_named_with_its_neighbours) {
  const qgrain::sweep::base_formats formats(qgrain::test::source_path("conf/quant_format"));
  BOOST_CHECK_EXCEPTION((void)formats.load("FP8_DEFALT_CFG"), qgrain::error, [](const qgrain::error& e) {
    return e.code() == qgrain::errc::unknown_name && std::string(e.what()).find("FP8_DEFAULT_CFG") != std::string::npos;
  });
  BOOST_CHECK_THROW((void)formats.load("../quant_pair/wfp8_afp8"), qgrain::error);
  BOOST_CHECK_THROW(qgrain::sweep::base_formats("/no/such/folder"), qgrain::error);
}

BOOST_AUTO_TEST_CASE(the_sentence_names_the_entry) {
  const json::object base{{"quant_cfg", {{"*weight_quantizer", json::array{json::object{}, json::array{}}}}}};
  BOOST_CHECK_EXCEPTION(
      (void)merge_overlay(base, {{"*weight_quantizer", {{"axis", 0}}}}), qgrain::error, [](const qgrain::error& e) {
        return std::string(e.what()) == "quant_cfg[*weight_quantizer][1]: the base entry is an empty list";
      });
}
