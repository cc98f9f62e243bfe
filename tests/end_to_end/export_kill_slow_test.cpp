// An export of a sharded model, killed at random moments: no folder that looks whole before it is, the same bytes in
// the end.
#include <common/file.hpp>
#include <support/synthetic_model.hpp>

#include <end_to_end/kill_support.hpp>

namespace {

namespace fs = std::filesystem;
using namespace qgrain::testing;

std::map<std::string, std::string> texts_of(const fs::path& folder) {
  std::map<std::string, std::string> texts;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      texts[entry.path().lexically_relative(folder).string()] = qgrain::common::read_text_file(entry.path());
  }
  return texts;
}

}  // namespace

BOOST_AUTO_TEST_CASE(twenty_kills_of_an_export_change_no_byte) {
  const qgrain::lm::testing::temporary_folder scratch;
  const fs::path folder = scratch.path();
  const fs::path log = folder / "output.txt";
  write_synthetic_model({}, folder / "model");
  std::ofstream(folder / "model/notes.txt") << "copied";
  const auto arguments = [](const std::string& out) {
    return std::vector<std::string>{"--model", "model", "--to",    "compressed-tensors", "--scheme", "NVFP4A16",
                                    "--out",   out,     "--resume"};
  };
  const auto begin = std::chrono::steady_clock::now();
  background_program whole("qgrain-export", arguments("whole"), folder, log);
  const int code_of_whole = whole.wait();
  BOOST_TEST_REQUIRE(code_of_whole == 0, qgrain::common::read_text_file(log));
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
  const std::map<std::string, std::string> wanted = texts_of(folder / "whole");
  BOOST_TEST(wanted.size() == 7U);  // four shards, their index, config.json, notes.txt
  std::mt19937_64 random(std::random_device{}());
  int struck = 0;
  int exports = 0;
  while (struck < 20) {
    const std::string out = "out" + std::to_string(++exports);
    bool is_complete = false;
    while (!is_complete) {
      background_program run("qgrain-export", arguments(out), folder, log);
      const double share = std::uniform_real_distribution<double>(0, 1)(random);
      const auto moment = std::chrono::milliseconds(static_cast<std::int64_t>(share * time.count()));
      if (struck < 20 && !run.ends_within(moment)) {
        run.signal(SIGKILL);
        ++struck;
      }
      const int code = run.wait();
      is_complete = code == 0;
      BOOST_TEST_REQUIRE((code == 0 || code == -1), (fs::exists(log) ? qgrain::common::read_text_file(log) : ""));
      // A folder that is there is whole.
      if (fs::exists(folder / out)) BOOST_TEST((texts_of(folder / out) == wanted));
    }
    BOOST_TEST((texts_of(folder / out) == wanted), differing_paths(texts_of(folder / out), wanted));
    BOOST_TEST(!fs::exists(folder / (out + ".partial")));
    fs::remove_all(folder / out);
  }
  BOOST_TEST_MESSAGE(struck << " kills in " << exports << " exports of " << time.count() << " ms");
}
