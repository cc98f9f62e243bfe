#include "output_folder.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <json_text.hpp>
#include <lm/file.hpp>
#include <manifest.hpp>
#include <qgrain/core/status.hpp>
#include <reports.hpp>
#include <string>

#include "sweep/reference_json.hpp"
#include "sweep/scratch_folder.hpp"

namespace fs = std::filesystem;
using namespace qgrain::sweep;
using qgrain::test::scratch_folder;

namespace {

std::string sentence(const fs::path& folder) {
  try {
    check_output_folder(folder);
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
  qgrain::lm::write_text_file(scratch.path / "notes.txt", "x");
  BOOST_TEST(sentence(scratch.path).empty());
  BOOST_TEST(!fs::exists(scratch.path / "new"));
}

BOOST_AUTO_TEST_CASE(folders_that_do_not) {
  const scratch_folder scratch;
  qgrain::lm::write_text_file(scratch.path / "file", "x");
  BOOST_TEST(sentence(scratch.path / "file").find("is no folder") != std::string::npos);
  BOOST_TEST(sentence(scratch.path / "file" / "below").find("is no folder") != std::string::npos);
  qgrain::lm::write_text_file(scratch.path / "s_quant_manifest.json", "{}");
  BOOST_TEST(sentence(scratch.path).find("already holds results (s_quant_manifest.json)") != std::string::npos);
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
