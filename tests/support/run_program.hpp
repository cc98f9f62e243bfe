// Runs a program of the build and keeps what it said.
#ifndef QGRAIN_TESTS_SUPPORT_RUN_PROGRAM_HPP
#define QGRAIN_TESTS_SUPPORT_RUN_PROGRAM_HPP

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::testing {

struct program_result {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// An environment variable of this process and those that it starts, until the end of the scope.
class scoped_variable {
 public:
  scoped_variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~scoped_variable() {
    if (before_) {
      ::setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }
  scoped_variable(const scoped_variable&) = delete;
  scoped_variable& operator=(const scoped_variable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

inline std::string shell_quoted(const std::string& text) {
  std::string quoted(1, '\'');
  for (const char c : text) {
    if (c == '\'') quoted.append("'\\'");
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return quoted;
}

/// `program` is a name in the build's bin folder; `scratch` an existing folder for the output files.
inline program_result run_program(const std::string& program, const std::vector<std::string>& arguments,
                                  const std::filesystem::path& scratch) {
  const auto read = [](const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  std::string command = shell_quoted((std::filesystem::path(QGRAIN_BINARY_DIR) / "bin" / program).string());
  for (const std::string& argument : arguments) command.append(" ").append(shell_quoted(argument));
  command.append(" >").append(shell_quoted((scratch / "stdout").string()));
  command.append(" 2>").append(shell_quoted((scratch / "stderr").string()));
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(scratch / "stdout"), read(scratch / "stderr")};
}

}  // namespace qgrain::testing

#endif
