// The files that a sweep leaves.
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/scratch_folder.hpp>
#include <sweep/summary/csv.hpp>
#include <sweep/summary/json_schema.hpp>
#include <sweep/summary/summary_files.hpp>
#include <sweep/summary/synthetic_sweep.hpp>

#include <boost/test/unit_test.hpp>

#include <charconv>
#include <filesystem>
#include <set>

using namespace qgrain::sweep;
using namespace qgrain::test;

namespace {

using table = std::vector<std::vector<std::string>>;

// Reads comma-separated values character by character, as RFC 4180 defines them.
table parsed_csv(const std::string& text) {
  table rows;
  std::vector<std::string> row;
  std::string field;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        is_quoted = false;
      }
    } else if (c == '"') {
      is_quoted = true;
    } else if (c == ',' || c == '\n') {
      row.push_back(std::exchange(field, {}));
      if (c == '\n') rows.push_back(std::exchange(row, {}));
    } else {
      field += c;
    }
  }
  BOOST_TEST(!is_quoted);
  BOOST_TEST((row.empty() && field.empty()));
  return rows;
}

double number_in(const std::string& text) {
  double value = -1;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  BOOST_TEST((code == std::errc() && end == text.data() + text.size()), text);
  return value;
}

const std::vector<layer_shape>& large_layers() {
  static const std::vector<layer_shape> layers = block_layers(36);
  return layers;
}

const sweep_summary& large() {
  static const sweep_summary summary = large_summary(large_layers());
  return summary;
}

// Names with everything that could end a cell, a field, a string or an element.
const std::string hostile = "</script><img src=x onerror=\"window.bad=1\">, \"q\" | `c` \\ \n<!-- &amp; \xc3\xa4";

sweep_summary hostile_summary() {
  static const std::vector<layer_shape> layers{{"l.0." + hostile, 64, 64}};
  json::object manifest = manifest_of("int8/per_tensor", "fp16", layers, {0.25});
  manifest["model"] = {{"id", hostile}};
  summary_source source = source_of(hostile, hostile, layers, manifest);
  source.folder = ".";
  return summarize(std::vector<summary_source>{source},
                   std::vector<skipped_job>{{hostile, hostile, hostile, "because " + hostile}});
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The data that a page carries.
json::value payload_of(const std::string& page) {
  const std::string front = R"(<script type="application/json" id="data">)";
  const std::size_t begin = page.find(front) + front.size();
  return json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

}  // namespace

BOOST_AUTO_TEST_CASE(json_follows_its_schema_and_reads_back) {
  const json_schema schema(
      qgrain::common::parse_json(file_text(source_path("docs/schema/sweep-summary.schema.json")), "schema"));
  for (const sweep_summary& summary : {large(), hostile_summary(), sweep_summary{}}) {
    const json::object made = summary_json(summary);
    const std::vector<std::string> faults = schema.faults(made);
    BOOST_TEST(faults.empty(), (faults.empty() ? "" : faults.front()));
    BOOST_TEST((qgrain::common::parse_json(qgrain::common::json_text(made), "summary") == json::value(made)));
  }
  // The check itself can fail.
  json::object broken = summary_json(hostile_summary());
  broken["extra"] = 1;
  broken["models"].as_array()[0].as_object().erase("id");
  broken["jobs"].as_array()[0].as_object()["score"] = -1;
  broken["jobs"].as_array()[0].as_object()["layer_scores"] = json::array{"x"};
  BOOST_TEST(schema.faults(broken).size() == 4U);
}

BOOST_AUTO_TEST_CASE(csv_reads_back) {
  BOOST_TEST(csv_field("plain text") == "plain text");
  BOOST_TEST(csv_field("a,b") == "\"a,b\"");
  BOOST_TEST(csv_field("say \"x\"") == "\"say \"\"x\"\"\"");
  const table jobs = parsed_csv(summary_csv(large()));
  BOOST_REQUIRE(jobs.size() == 145U);
  for (std::size_t j = 0; j < 144; ++j) {
    const summary_job& job = large().jobs[j];
    BOOST_REQUIRE(jobs[j + 1].size() == jobs[0].size());
    BOOST_TEST(jobs[j + 1][0] == job.label);
    BOOST_TEST(number_in(jobs[j + 1][8]) == job.score);
    BOOST_TEST(number_in(jobs[j + 1][13]) == job.bytes());
  }
  const table scores = parsed_csv(scores_csv(large()));
  BOOST_REQUIRE(scores.size() == 253U);
  std::size_t missing = 0;
  for (std::size_t l = 0; l < 252; ++l) {
    BOOST_REQUIRE(scores[l + 1].size() == 6U + 144U);
    for (std::size_t j = 0; j < 144; ++j) {
      const auto& result = large().jobs[j].layers[l];
      const std::string& text = scores[l + 1][6 + j];
      BOOST_TEST(text.empty() == !result.has_value());
      if (result) BOOST_TEST(number_in(text) == result->score);
      missing += text.empty() ? 1U : 0U;
    }
  }
  BOOST_TEST(missing == 9U * 20U);
  const table layers = parsed_csv(layer_csv(large(), large().jobs[3].folder));
  BOOST_TEST(layers.size() == 253U);
  BOOST_TEST(layers[1][1] == large_layers()[0].name);
  BOOST_TEST(number_in(layers[252][6]) == large().jobs[3].layers[251]->score);

  const table odd = parsed_csv(summary_csv(hostile_summary()));
  BOOST_REQUIRE(odd.size() == 3U);
  BOOST_TEST(odd[1][2] == hostile);
  BOOST_TEST(odd[2][1] == "skipped");
  BOOST_TEST(odd[2].back() == "because " + hostile);
}

BOOST_AUTO_TEST_CASE(markdown_tables_keep_their_shape) {
  for (const sweep_summary& summary : {large(), hostile_summary()}) {
    const std::string text = summary_markdown(summary);
    BOOST_TEST(count_of(text, "<img") == count_of(text, "\\<img"));
    std::size_t columns = 0;
    std::size_t rows = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::string line = text.substr(begin, text.find('\n', begin) - begin);
      begin += line.size() + 1;
      if (!line.starts_with('|')) {
        columns = 0;
        continue;
      }
      const std::size_t bars = count_of(line, "|") - count_of(line, "\\|");
      if (columns == 0) columns = bars;
      BOOST_TEST(bars == columns, line);
      ++rows;
    }
    BOOST_TEST(rows > summary.jobs.size());
  }
  const std::string text = summary_markdown(large());
  BOOST_TEST(text.find("| wint4_afp16 | 1 |") != std::string::npos);
  // smallest score first
  const summary_job* best = &large().jobs[0];
  for (const summary_job& job : large().jobs) {
    if (job.score < best->score) best = &job;
  }
  BOOST_TEST(text.find("| " + best->label + " |") < text.find("\n## Granularities"));
  const std::size_t head = text.find("| --- |", text.find("## Jobs"));
  BOOST_TEST(text.compare(text.find('\n', head) + 1, best->label.size() + 4, "| " + best->label + " |") == 0);
}

BOOST_AUTO_TEST_CASE(the_page_is_whole_small_and_carries_the_scores) {
  const std::string page = summary_html(large());
  BOOST_TEST_MESSAGE("page of 252 layers x 144 jobs: " << page.size() << " bytes");
  BOOST_TEST(page.size() <= std::size_t{3} * 1024 * 1024);
  BOOST_TEST(count_of(page, "http://") == count_of(page, "http://www.w3.org/2000/svg"));
  BOOST_TEST(count_of(page, "https://") == 0U);
  for (const char* loads : {"<link", "<img", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("})
    BOOST_TEST(count_of(page, loads) == 0U, loads);
  for (const char* mark : {"@style@", "@data@", "@script@"}) BOOST_TEST(count_of(page, mark) == 0U);
  BOOST_TEST(page.ends_with("</html>\n"));
  // The sources came into the program as they are.
  std::size_t sources = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("examples/sweep/summary/page"))) {
    if (entry.path().extension() == ".html") continue;
    BOOST_TEST((page.find(file_text(entry.path())) != std::string::npos), entry.path().string());
    ++sources;
  }
  BOOST_TEST(sources == 8U);

  const json::value data = payload_of(page);
  BOOST_REQUIRE(data.at("jobs").as_array().size() == 144U);
  BOOST_REQUIRE(data.at("layers").as_array().size() == 252U);
  std::size_t zeros = 0;
  std::size_t missing = 0;
  for (std::size_t j = 0; j < 144; ++j) {
    const summary_job& job = large().jobs[j];
    const json::object& shown = data.at("jobs").at(j).as_object();
    BOOST_TEST(shown.at("label").as_string() == job.label);
    BOOST_TEST(shown.at("front").as_bool() == job.is_on_front);
    BOOST_REQUIRE(shown.at("scores").as_array().size() == 252U);
    for (std::size_t l = 0; l < 252; ++l) {
      const json::value& score = shown.at("scores").at(l);
      BOOST_TEST(score.is_null() == !job.layers[l].has_value());
      if (score.is_null()) {
        ++missing;
        continue;
      }
      const double wanted = job.layers[l]->score;
      zeros += wanted == 0 ? 1U : 0U;
      BOOST_TEST(std::abs(score.to_number<double>() - wanted) <= 5.001e-4 * wanted);
    }
  }
  BOOST_TEST(zeros == 9U * 23U);
  BOOST_TEST(missing == 9U * 20U);
  BOOST_TEST(summary_html(large_summary(large_layers())) == page);
}

BOOST_AUTO_TEST_CASE(names_cannot_leave_the_data_of_the_page) {
  const std::string plain_page = summary_html(sweep_summary{});
  const std::string page = summary_html(hostile_summary());
  BOOST_TEST(count_of(page, "</script") == count_of(plain_page, "</script"));
  BOOST_TEST(count_of(page, "<!--") == 0U);
  BOOST_TEST(count_of(page, "<img") == 0U);
  BOOST_TEST(payload_of(page).at("jobs").at(0).at("pair").as_string() == hostile);
  BOOST_TEST(payload_of(page).at("skipped").at(0).at(1).as_string() == "because " + hostile);
}

BOOST_AUTO_TEST_CASE(all_files_are_written) {
  const scratch_folder folder;
  const sweep_summary summary = large_summary(large_layers());
  for (const summary_job& job : summary.jobs) std::filesystem::create_directories(folder.path / job.folder);
  write_summary(summary, folder.path);
  std::set<std::string> files;
  std::size_t tables = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path)) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().filename() == layer_csv_name) {
      ++tables;
    } else {
      files.insert(std::filesystem::relative(entry.path(), folder.path).string());
    }
  }
  BOOST_TEST(tables == 144U);
  BOOST_TEST((files == std::set<std::string>{"sweep-scores.csv", "sweep-summary.csv", "sweep-summary.html",
                                             "sweep-summary.json", "sweep-summary.md"}));
  BOOST_TEST(file_text(folder.path / "sweep-summary.html") == summary_html(summary));
  BOOST_TEST(file_text(folder.path / summary.jobs[7].folder / layer_csv_name) ==
             layer_csv(summary, summary.jobs[7].folder));
}
