// What a program takes on its command line, and what it prints about that. The one file that includes CLI11, which is
// large.
#ifndef QGRAIN_COMMON_COMMAND_LINE_HPP
#define QGRAIN_COMMON_COMMAND_LINE_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace qgrain::common {

/// One option of a command line: its rules, and after parsing whether it was given. A handle, to be copied.
class command_line_option {
 public:
  explicit command_line_option(CLI::Option& option) : option_(&option) {}

  command_line_option required();
  command_line_option needs(command_line_option other);
  command_line_option excludes(command_line_option other);
  command_line_option positive();
  command_line_option between(int least, int most);
  command_line_option with_optional_value();
  command_line_option with_one_value_each_time();

  [[nodiscard]] bool given() const;

 private:
  CLI::Option* option_;
};

/// Options by name ("-m,--multirun"; without dashes: by position) with the variables that parsing sets.
class command_line_options {
 public:
  command_line_option text(const std::string& name, std::string& value, const std::string& help);
  command_line_option texts(const std::string& name, std::vector<std::string>& values, const std::string& help);
  command_line_option number(const std::string& name, int& value, const std::string& help);
  command_line_option number(const std::string& name, std::int64_t& value, const std::string& help);
  command_line_option flag(const std::string& name, bool& value, const std::string& help);

  /// Options of which exactly one has to be given, under a title of their own in the help text.
  command_line_options one_of(const std::string& title);

 protected:
  explicit command_line_options(CLI::App& app) : app_(&app) {}

  CLI::App* app_;
};

class command_line_parser : public command_line_options {
 public:
  command_line_parser(const std::string& description, const std::string& program);
  ~command_line_parser();
  command_line_parser(const command_line_parser&) = delete;
  command_line_parser& operator=(const command_line_parser&) = delete;

  /// The exit code after help or a usage error has been printed; empty where the program is to run.
  [[nodiscard]] std::optional<int> parse(int argc, char** argv);

 private:
  explicit command_line_parser(std::unique_ptr<CLI::App> app);

  std::unique_ptr<CLI::App> owned_;
};

}  // namespace qgrain::common

#endif
