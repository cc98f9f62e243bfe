#include <common/json_text.hpp>
#include <common/python_text.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/reports.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

std::filesystem::path case_folder(const char* name) {
  return qgrain::test::source_path("tests/data/overlay/report_cases") / name;
}

// The smallest manifest that makes reports.
json::object small_manifest() {
  return {
      {"scheme", {{"name", "s"}}},
      {"autoquant_state", {{"constraints", {{"effective_bits", 4}}}, {"score", 1.0}, {"is_satisfied", true}}},
      {"layer_sensitivity", {{"a", {{"formats", {"F(effective-bits: 4.0)"}}, {"scores", {1.0}}, {"costs", {2.0}}}}}}};
}

std::string markdown(const json::object& manifest) { return markdown_report(manifest, std::nullopt); }

}  // namespace

BOOST_AUTO_TEST_CASE(reports_of_the_reference_manifests) {
  int count = 0;
  for (const char* name : {"small", "none_only", "several_formats"}) {
    BOOST_TEST_CONTEXT(name) {
      const auto folder = case_folder(name);
      const json::object manifest = read_manifest(folder / "manifest.json");
      // byte for byte
      BOOST_TEST(qgrain::common::json_text(json_report(manifest)) ==
                 qgrain::test::file_text(folder / json_report_name));
      BOOST_TEST(markdown_report(manifest, find_composed_config(manifest, folder)) ==
                 qgrain::test::file_text(folder / markdown_report_name));
      // the reference manifests are written the way json_text writes
      BOOST_TEST(qgrain::common::json_text(manifest) == qgrain::test::file_text(folder / "manifest.json"));
      ++count;
    }
  }
  BOOST_TEST_MESSAGE("report cases: " << count << " of 3, Markdown and JSON byte for byte");
  BOOST_TEST(count == 3);
}

BOOST_AUTO_TEST_CASE(values_in_the_markdown_report) {
  json::object manifest = small_manifest();
  manifest["scheme"] = {{"name", "w|x\xc3\xa4"}};
  manifest["dataset"] = {{"name", ""}, {"size", nullptr}, {"imgsz", {640, "x"}}, {"max_calib_samples", 0}};
  const std::string text = markdown(manifest);
  BOOST_TEST(text.find("(w|x\xc3\xa4)\n" + std::string(34, '=') + "\n") != std::string::npos);
  BOOST_TEST(text.find("|Scheme|`w\\|x\xc3\xa4`|") != std::string::npos);
  BOOST_TEST(text.find("|Name|``|") != std::string::npos);
  BOOST_TEST(text.find("|Size|") == std::string::npos);
  BOOST_TEST(text.find("|Image size|`[640, 'x']`|") != std::string::npos);
  BOOST_TEST(text.find("|Calibration samples (used / max)|`unknown` / `0`|") != std::string::npos);
  BOOST_TEST(text.find("## Quantization") == std::string::npos);
  BOOST_TEST(text.find("## Composed Config") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(python_forms) {
  BOOST_TEST(qgrain::common::python_text(json::array{"a", 1, 2.0, nullptr, true, "it's"}) ==
             "['a', 1, 2.0, None, True, \"it's\"]");
  BOOST_TEST(qgrain::common::python_text(json::object{{"k", json::object{}}}) == "{'k': {}}");
  BOOST_TEST(qgrain::common::python_text("plain") == "plain");
}

BOOST_AUTO_TEST_CASE(a_damaged_manifest_names_what_is_wrong) {
  const auto sentence = [](const json::object& manifest) {
    try {
      (void)json_report(manifest);
    } catch (const qgrain::error& e) {
      BOOST_TEST((e.code() == qgrain::errc::bad_file));
      return std::string(e.what());
    }
    return std::string();
  };
  json::object manifest = small_manifest();
  BOOST_TEST(sentence(manifest).empty());
  manifest["layer_sensitivity"] = {{"a", {{"formats", {"F"}}, {"costs", {1.0}}}}};
  BOOST_TEST(sentence(manifest) == "layer_sensitivity of a has no list of scores");
  manifest["layer_sensitivity"] = {{"a", {{"formats", {"F"}}, {"scores", {"x"}}, {"costs", {1.0}}}}};
  BOOST_TEST(sentence(manifest).find("of a holds") != std::string::npos);
  manifest["layer_sensitivity"] = {{"a", 1}};
  BOOST_TEST(sentence(manifest) == "layer_sensitivity of a is no mapping");
  manifest.erase("layer_sensitivity");
  BOOST_TEST(sentence(manifest) == "the manifest has no mapping layer_sensitivity");
}
