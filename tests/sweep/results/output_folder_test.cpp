#include <common/file.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/results/reports.hpp>
#include <sweep/scratch_folder.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <set>
#include <string>

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace qgrain::sweep;
using qgrain::test::scratch_folder;

namespace {

std::string sentence(const fs::path& folder) {
  try {
    static_cast<void>(check_output_folder(folder, {{"a", 1}}, "s_quant_manifest.json"));
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(folders_that_take_results) {
  const scratch_folder scratch;
  BOOST_TEST(sentence(scratch.path).empty());
  BOOST_TEST(sentence(scratch.path / "new" / "deep").empty());
  BOOST_TEST(sentence("relative_new_folder").empty());
  qgrain::common::write_text_file(scratch.path / "notes.txt", "x");
  BOOST_TEST(sentence(scratch.path).empty());
  BOOST_TEST(!fs::exists(scratch.path / "new"));
}

BOOST_AUTO_TEST_CASE(folders_that_do_not) {
  const scratch_folder scratch;
  qgrain::common::write_text_file(scratch.path / "file", "x");
  BOOST_TEST(sentence(scratch.path / "file").find("is no folder") != std::string::npos);
  BOOST_TEST(sentence(scratch.path / "file" / "below").find("is no folder") != std::string::npos);
  qgrain::common::write_text_file(scratch.path / "s_quant_manifest.json", "{}");
  BOOST_TEST(sentence(scratch.path).find("already holds results (s_quant_manifest.json)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_folder_belongs_to_the_configuration_in_it) {
  const scratch_folder scratch;
  const auto state = [&](const json::object& config) {
    return check_output_folder(scratch.path, config, "s_quant_manifest.json");
  };
  const json::object config{{"autoquant", {{"batch_size", 8}, {"x", nullptr}}}, {"runner", {{"threads", 1}}}};
  BOOST_TEST((state(config) == folder_state::empty));
  qgrain::common::write_text_file(scratch.path / "composed-config.json", json::serialize(config));
  BOOST_TEST((state(config) == folder_state::begun));
  json::object other = config;
  other["runner"] = {{"threads", 2}, {"resume", "latest"}};
  other["experiment"] = "again";
  BOOST_TEST((state(other) == folder_state::begun));
  qgrain::common::write_text_file(scratch.path / "s_quant_manifest.json", "{}");
  BOOST_TEST((state(other) == folder_state::complete));
  other["autoquant"] = {{"batch_size", 4}, {"y", "z"}};
  BOOST_CHECK_EXCEPTION(static_cast<void>(state(other)), qgrain::error, [](const qgrain::error& e) {
    const std::string text = e.what();
    return text.find("autoquant.batch_size (8 there, 4 here)") != std::string::npos &&
           text.find("autoquant.y (null there, \"z\" here)") != std::string::npos &&
           text.find("autoquant.x") == std::string::npos && text.find("runner") == std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(one_run_at_a_time) {
  const scratch_folder scratch;
  {
    const folder_lock lock(scratch.path / "run");
    BOOST_CHECK_EXCEPTION(folder_lock(scratch.path / "run"), qgrain::error, [](const qgrain::error& e) {
      return std::string(e.what()).find("another run works in") != std::string::npos;
    });
    BOOST_CHECK_NO_THROW(folder_lock(scratch.path / "other"));
  }
  BOOST_CHECK_NO_THROW(folder_lock(scratch.path / "run"));
}

BOOST_AUTO_TEST_CASE(leftovers_of_a_killed_run_go_and_nothing_else) {
  const scratch_folder scratch;
  for (const char* name :
       {"a.json", "a.json.AbC123", "r.md.xxxxxx", "notes.backup", "notes.txt.old", "p.json.toolong1"})
    qgrain::common::write_text_file(scratch.path / name, "x");
  remove_leftovers(scratch.path);
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(scratch.path)) left.insert(entry.path().filename().string());
  BOOST_TEST((left == std::set<std::string>{"a.json", "notes.backup", "notes.txt.old", "p.json.toolong1"}));
}

BOOST_AUTO_TEST_CASE(a_folder_without_write_permission) {
  const scratch_folder scratch;
  fs::permissions(scratch.path, fs::perms::owner_read | fs::perms::owner_exec);
  const std::string found = sentence(scratch.path / "new");
  fs::permissions(scratch.path, fs::perms::owner_all);
  if (::geteuid() == 0) {
    BOOST_TEST_MESSAGE("run as root, whom no permission stops: the sentence is not checked");
    BOOST_TEST(found.empty());
  } else {
    BOOST_TEST(found.find("is not writable") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(reports_are_written_from_a_manifest_alone) {
  const scratch_folder scratch;
  const auto folder = qgrain::test::source_path("tests/data/overlay/report_cases/small");
  const auto manifest = read_manifest(folder / "manifest.json");
  fs::copy_file(folder / "composed-config.yaml", scratch.path / "composed-config.yaml");
  write_reports(manifest, scratch.path);
  for (const char* name : {markdown_report_name, json_report_name}) {
    BOOST_TEST(qgrain::test::file_text(scratch.path / name) == qgrain::test::file_text(folder / name));
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_manifest_writes_nothing) {
  const scratch_folder scratch;
  BOOST_CHECK_THROW(write_reports({{"scheme", boost::json::object()}}, scratch.path), qgrain::error);
  BOOST_TEST(fs::is_empty(scratch.path));
}
