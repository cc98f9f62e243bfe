#include <common/json_text.hpp>
#include <sweep/formats/base_formats.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/settings/config_access.hpp>
#include <sweep/settings/job_settings.hpp>
#include <sweep/settings/naming.hpp>
#include <sweep/settings/output_place.hpp>
#include <sweep/settings/quantization_settings.hpp>
#include <sweep/settings/scoring_settings.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

constexpr const char* time_of_cases = "2025-01-02_03-04-05";

// Sets (or with a null pointer deletes) the value at a dotted key.
void set_value(json::object& config, std::string_view key, const json::value* value) {
  const auto dot = key.find('.');
  if (dot != std::string_view::npos) {
    set_value(config[key.substr(0, dot)].as_object(), key.substr(dot + 1), value);
  } else if (value != nullptr) {
    config[key] = *value;
  } else {
    config.erase(key);
  }
}

// The values that occur in the cases: null, numbers, quoted and plain text.
json::value parsed(std::string text) {
  if (text == "null") return nullptr;
  if (text.starts_with('\'')) return json::value(text.substr(1, text.size() - 2));
  if (!text.empty() && text.find_first_not_of("0123456789.") == std::string::npos) return json::parse(text);
  return json::value(text);
}

// The configuration that a case's overrides make of the driver's settings. The composed pair stands in the case.
json::object configuration(const json::value& entry, const json::value& settings, const json::value& overlays) {
  json::object config = settings.at("base").as_object();
  for (const auto& value : entry.at("overrides").as_array()) {
    std::string text = value.as_string().c_str();
    const bool deletes = text.starts_with('~');
    text.erase(0, text.find_first_not_of("+~"));
    const std::string key = text.substr(0, text.find('='));
    if (key.starts_with("quant_pair")) continue;
    if (deletes) {
      set_value(config, key, nullptr);
      continue;
    }
    json::value chosen = parsed(text.substr(key.size() + 1));
    if (key == "output_layout") chosen = settings.at("output_layout").at(chosen.as_string());
    if (key == "quant_granularity") {
      chosen = {{"name", chosen}, {"quant_cfg_overrides", overlays.at(chosen.as_string())}};
    }
    set_value(config, key, &chosen);
  }
  config["quant_pair"] = entry.at("quant_pair");
  return config;
}

// What `function` gives, or {"error": ...} as the cases write it.
void check(const json::value& entry, const char* item, const std::function<json::value()>& function) {
  BOOST_TEST_CONTEXT(item) {
    const auto& wanted = entry.at(item);
    const bool wants_error = wanted.is_object() && wanted.get_object().contains("error");
    try {
      const json::value found = function();
      BOOST_TEST(!wants_error);
      BOOST_TEST(qgrain::common::json_text(found) == qgrain::common::json_text(wanted));
    } catch (const qgrain::error& e) {
      BOOST_TEST(wants_error, e.what());
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_reference_setting) {
  const auto data = qgrain::test::reference("overlay/naming_cases.json");
  const auto settings = qgrain::test::reference("overlay/driver_settings.json");
  const auto merges = qgrain::test::reference("overlay/merge_cases.json");
  const base_formats formats(qgrain::test::source_path("conf/quant_format"));
  const std::filesystem::path cwd = "<cwd>";
  const auto text = [](const std::filesystem::path& path) { return json::value(path.string()); };
  std::size_t count = 0;
  for (const auto& entry : data.at("settings").as_array()) {
    BOOST_TEST_CONTEXT(json::serialize(entry.at("overrides"))) {
      const auto config = configuration(entry, settings, merges.at("overlays"));
      check(entry, "scheme", [&] {
        const std::string format = text_at(config, "quant_pair.format_name");
        static_cast<void>(formats.load(format));
        return json::value(scheme_of(config).description({&format, 1}));
      });
      check(entry, "max_calib_samples", [&] { return json::value(max_calib_samples(config)); });
      check(entry, "granularity", [&] {
        const auto found = granularity_of(config);
        return json::value{found.name, found.overrides};
      });
      check(entry, "output_dir", [&] { return text(output_dir(config, cwd)); });
      check(entry, "hydra_run_dir", [&] { return text(cwd / tmp_run_dir(config, time_of_cases)); });
      check(entry, "hydra_sweep_dir", [&] { return text(sweep_dir(config, time_of_cases)); });
      check(entry, "hydra_sweep_subdir", [&] { return text(sweep_subdir(config)); });
      check(entry, "hydra_job_name", [&] { return json::value(text_at(config, "experiment")); });
      check(entry, "layout_root_dir", [&] { return json::value(text_at(config, "output_layout.root_dir")); });
      if (entry.as_object().contains("files")) {
        const std::string name = entry.at("scheme").at("name").as_string().c_str();
        BOOST_TEST(manifest_name(name) == entry.at("files").at(0).as_string().c_str());
      }
      ++count;
    }
  }
  BOOST_TEST_MESSAGE("settings: " << count << " of 45");
  BOOST_TEST(count == 45U);
}

BOOST_AUTO_TEST_CASE(every_reference_function_call) {
  const auto data = qgrain::test::reference("overlay/naming_cases.json");
  std::size_t count = 0;
  for (const auto& entry : data.at("functions").as_array()) {
    const auto& arguments = entry.at("arguments").as_array();
    const auto text = [&](std::size_t i) {
      return i < arguments.size() && arguments[i].is_string() ? std::string(arguments[i].get_string()) : std::string();
    };
    const std::string_view function = entry.at("function").as_string();
    BOOST_TEST_CONTEXT(json::serialize(entry)) {
      if (function == "num_score_steps") {
        const auto number = [&](std::size_t i) { return arguments[i].as_int64(); };
        BOOST_TEST(num_score_steps(number(0), number(1), number(2)) == entry.at("result").as_int64());
      } else {
        const std::string found = function == "scheme_name" ? scheme_name(text(0), text(1))
                                  : function == "pair_dir"  ? pair_dir(text(0), text(1), text(2))
                                                            : run_dir(text(0), text(1), text(2), text(3));
        BOOST_TEST(found == entry.at("result").as_string().c_str());
      }
    }
    ++count;
  }
  BOOST_TEST_MESSAGE("function calls: " << count << " of 32");
  BOOST_TEST(count == 32U);
}

BOOST_AUTO_TEST_CASE(times_and_swept_keys) {
  std::tm time{};
  time.tm_year = 125;
  time.tm_mday = 2;
  time.tm_hour = 3;
  time.tm_min = 4;
  time.tm_sec = 5;
  BOOST_TEST(time_text(time) == time_of_cases);
  using swept = std::vector<std::pair<std::string, std::string>>;
  BOOST_TEST(swept_dir(swept{}).empty());
  BOOST_TEST(swept_dir(swept{{"autoquant.effective_bits", "4.5"}, {"dataset.padding", "left"}}) ==
             "autoquant.effective_bits=4.5,dataset.padding=left");
  BOOST_TEST(swept_dir(swept{{"a", "x/y z,%"}}) == "a=x%2Fy%20z%2C%25");
  const std::string first = swept_dir(swept{{"a", std::string(300, 'x') + "1"}});
  const std::string second = swept_dir(swept{{"a", std::string(300, 'x') + "2"}});
  BOOST_TEST(first != second);
  BOOST_TEST(first.size() == 200U);
  BOOST_CHECK_NO_THROW(check_distinct(std::vector<std::filesystem::path>{"a/b", "a/c"}));
  BOOST_CHECK_EXCEPTION(
      check_distinct(std::vector<std::filesystem::path>{"a/b", "a/x/../b"}), qgrain::error,
      [](const qgrain::error& e) { return std::string(e.what()).find("a/x/../b") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(names_that_become_folders) {
  const auto sentence = [](const auto& check, const std::string& name) {
    try {
      check("key", name);
    } catch (const qgrain::error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  using texts = std::vector<std::string>;
  for (const std::string& name :
       texts{"w_group64", "a b", "...", ".hidden", "caf\xC3\xA9", "a=1,b", std::string(200, 'x')})
    BOOST_TEST(sentence(check_component, name).empty(), name);
  for (const std::string& name : texts{"", ".", "..", "a/b", "a\nb", "\x7F", ".sweep", std::string(201, 'x')})
    BOOST_TEST(sentence(check_component, name).starts_with("key becomes the name of a folder"), name);
  BOOST_TEST(sentence(check_components, "a/b/c").empty());
  for (const std::string& names : texts{"/a", "a//b", "a/", "a/../../b", "./a"})
    BOOST_TEST(!sentence(check_components, names).empty(), names);
}

BOOST_AUTO_TEST_CASE(no_two_of_2000_jobs_share_a_path) {
  // 20 pairs, 10 overlays, 2 sizes and further keys, among them values that differ in case, blanks and slashes only
  const std::vector<std::string> prompts{"a/b", "a b", "A B", "a,b", "a=b"};
  for (const char* mode : {"tmp", "publish"}) {
    std::vector<std::filesystem::path> folders;
    for (int pair = 0; pair < 20; ++pair) {
      for (int grain = 0; grain < 10; ++grain) {
        for (const char* size : {"small", "medium"}) {
          for (const std::string& prompt : prompts) {
            const std::string w = std::to_string(pair % 10), a = std::to_string(pair / 10);
            const json::object config{
                {"experiment", "e"},
                {"model", {{"name", "m"}}},
                {"dataset", {{"size", size}}},
                {"quant_pair", {{"name", w + "_" + a}, {"weight", w}, {"activation", a}}},
                {"quant_granularity", {{"name", std::to_string(grain)}, {"quant_cfg_overrides", nullptr}}},
                {"output_layout", {{"mode", mode}, {"root_dir", "root"}}}};
            const std::vector<std::pair<std::string, std::string>> further{{"note", prompt}};
            const auto base = output_dir(config, sweep_dir(config, "t"));
            folders.push_back((mode == std::string("tmp") ? base / sweep_subdir(config) : base) / swept_dir(further));
          }
        }
      }
    }
    BOOST_TEST(folders.size() == 2000U);
    BOOST_CHECK_NO_THROW(check_distinct(folders));
  }
}

BOOST_AUTO_TEST_CASE(the_sentence_names_the_key) {
  const json::object config{{"dataset", {{"size", {1}}, {"n", "8"}, {"m", 8.0}, {"flag", 1}}}, {"x", nullptr}};
  const auto sentence = [](const auto& call) {
    try {
      (void)call();
    } catch (const qgrain::error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  BOOST_TEST(sentence([&] { return text_at(config, "dataset.size"); }) == "dataset.size must be text, but is [1]");
  BOOST_TEST(sentence([&] { return text_at(config, "model.name"); }) == "model.name must be text, but is missing");
  BOOST_TEST(sentence([&] { return text_at(config, "x.y"); }) == "x.y must be text, but is missing");
  BOOST_TEST(sentence([&] { return integer_at(config, "dataset.n"); }) ==
             "dataset.n must be a whole number, but is \"8\"");
  BOOST_TEST(sentence([&] { return number_at(config, "x"); }) == "x must be a number, but is null");
  BOOST_TEST(sentence([&] { return flag_at(config, "dataset.flag"); }) ==
             "dataset.flag must be true or false, but is 1");
  BOOST_TEST(integer_at(config, "dataset.m") == 8);
  BOOST_TEST(!optional_text_at(config, "x").has_value());
}
