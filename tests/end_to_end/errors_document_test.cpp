// docs/errors.md: every example is run as it stands on the page, fails, and says what the page says.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <support/run_program.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <snippets/documents.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path page = documents::root() / "docs/errors.md";
const std::string command_mark = "    $ ";
const std::string block_mark = "    ";
const std::string gap = "...";

/// Commands, the last of which is refused; what it prints on standard error; the text between this example and the
/// next.
struct example {
  std::size_t line = 0;
  std::vector<std::string> commands;
  std::string sentence;
  std::string remedy;
};

std::vector<example> examples_of_page() {
  std::vector<example> found;
  std::size_t number = 0;
  bool in_block = false;
  for (const std::string& line : documents::lines_of(page)) {
    ++number;
    if (line.starts_with(command_mark)) {
      if (!in_block) found.push_back({number, {}, {}, {}});
      in_block = true;
      found.back().commands.push_back(line.substr(command_mark.size()));
    } else if (in_block && line.starts_with(block_mark)) {
      found.back().sentence.append(line.substr(block_mark.size())).append("\n");
    } else {
      in_block = false;
      if (!found.empty() && !line.starts_with('#')) found.back().remedy.append(line);
    }
  }
  return found;
}

/// Whether `text` is `pattern`, in which `...` stands for anything.
bool matches(const std::string& text, const std::string& pattern) {
  std::size_t end_of_part = pattern.find(gap);
  if (end_of_part == std::string::npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, end_of_part))) return false;
  std::size_t place = end_of_part;
  for (;;) {
    const std::size_t begin = end_of_part + gap.size();
    end_of_part = pattern.find(gap, begin);
    if (end_of_part == std::string::npos) {
      const std::string last = pattern.substr(begin);
      return text.size() >= place + last.size() && text.ends_with(last);
    }
    const std::string part = pattern.substr(begin, end_of_part - begin);
    place = text.find(part, place);
    if (place == std::string::npos) return false;
    place += part.size();
  }
}

/// Runs a command of the page in `folder`; what it says on standard error goes to the file `said`.
int exit_code_of(const std::string& command, const fs::path& folder, const fs::path& said) {
  using qgrain::testing::shell_quoted;
  std::string line = "cd ";
  line.append(shell_quoted(folder.string())).append(" && exec 2>").append(shell_quoted(said.string()));
  line.append(" >/dev/null && ").append(command);
  const int status = std::system(line.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void check(const example& given) {
  BOOST_TEST_INFO_SCOPE("docs/errors.md:" << given.line);
  const qgrain::lm::testing::temporary_folder scratch;
  const fs::path folder = scratch.path() / "work";
  fs::create_directories(folder / "model");
  for (const auto& file : fs::directory_iterator(qgrain::lm::testing::model_dir)) {
    if (file.is_regular_file()) fs::copy_file(file.path(), folder / "model" / file.path().filename());
  }
  const fs::path data = documents::root() / "tests/data";
  fs::create_directory_symlink(data, folder / "data");
  fs::copy_file(data / "field/transposed_scales/x.safetensors", folder / "x.safetensors");
  const fs::path said = scratch.path() / "stderr";
  for (std::size_t i = 0; i + 1 < given.commands.size(); ++i) {
    BOOST_TEST(exit_code_of(given.commands[i], folder, said) == 0, given.commands[i]);
  }
  const std::string& command = given.commands.back();
  const int code = exit_code_of(command, folder, said);
  const std::string sentence = qgrain::common::read_text_file(said);
  BOOST_TEST(code > 0, command);
  BOOST_TEST(code < 126, command << ": no such command, or a crash");
  BOOST_TEST(matches(sentence, given.sentence), "\n" << sentence << "is not what the page says:\n" << given.sentence);
  BOOST_TEST(given.remedy.size() >= 10U, "there is no remedy");
}

}  // namespace

BOOST_AUTO_TEST_CASE(gaps_stand_for_anything) {
  BOOST_TEST(matches("a b c", "a b c"));
  BOOST_TEST(matches("a b c", "a ... c"));
  BOOST_TEST(matches("a b c", "...b..."));
  BOOST_TEST(!matches("a b c", "a b"));
  BOOST_TEST(!matches("a b c", "a ...d"));
  BOOST_TEST(!matches("ab", "ab...b"));
  BOOST_TEST(!matches("a b c", "...d... c"));
}

BOOST_AUTO_TEST_CASE(every_example_fails_as_the_page_says) {
  const qgrain::testing::scoped_variable path(
      "PATH", (fs::path(QGRAIN_BINARY_DIR) / "bin").string().append(":").append(std::getenv("PATH")));
  std::map<std::string, int> of_program;
  for (const example& given : examples_of_page()) {
    for (const char* program : {"qgrain-lm", "qgrain-quantize", "qgrain-sweep"}) {
      if (given.commands.back().find(program) != std::string::npos) ++of_program[program];
    }
    check(given);
  }
  for (const char* program : {"qgrain-lm", "qgrain-quantize", "qgrain-sweep"}) {
    BOOST_TEST(of_program[program] >= 40, program << " has " << of_program[program] << " examples");
  }
}

BOOST_AUTO_TEST_CASE(every_code_of_the_headers_has_its_row) {
  const std::vector<std::string> lines = documents::lines_of(page);
  for (int code = 1; code < qgrain::errc_count; ++code) {
    std::string cell = "` | ";
    cell.append(qgrain::message(static_cast<qgrain::errc>(code))).append(" | ");
    const auto rows = std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.starts_with("| `") && line.find(cell) != std::string::npos;
    });
    BOOST_TEST(rows == 1, cell << " stands in " << rows << " rows");
  }
}
