#include <common/command_line.hpp>

#include <CLI/CLI.hpp>

#include <utility>

namespace qgrain::common {

command_line_option command_line_option::required() {
  option_->required();
  return *this;
}

command_line_option command_line_option::needs(command_line_option other) {
  option_->needs(other.option_);
  return *this;
}

command_line_option command_line_option::excludes(command_line_option other) {
  option_->excludes(other.option_);
  return *this;
}

command_line_option command_line_option::positive() {
  option_->check(CLI::PositiveNumber);
  return *this;
}

command_line_option command_line_option::between(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

command_line_option command_line_option::with_optional_value() {
  option_->expected(0, 1);
  return *this;
}

command_line_option command_line_option::with_one_value_each_time() {
  option_->allow_extra_args(false);
  return *this;
}

bool command_line_option::given() const { return static_cast<bool>(*option_); }

command_line_option command_line_options::text(const std::string& name, std::string& value, const std::string& help) {
  return command_line_option(*app_->add_option(name, value, help));
}

command_line_option command_line_options::texts(const std::string& name, std::vector<std::string>& values,
                                                const std::string& help) {
  return command_line_option(*app_->add_option(name, values, help));
}

command_line_option command_line_options::number(const std::string& name, int& value, const std::string& help) {
  return command_line_option(*app_->add_option(name, value, help));
}

command_line_option command_line_options::number(const std::string& name, std::int64_t& value,
                                                 const std::string& help) {
  return command_line_option(*app_->add_option(name, value, help));
}

command_line_option command_line_options::flag(const std::string& name, bool& value, const std::string& help) {
  return command_line_option(*app_->add_flag(name, value, help));
}

command_line_options command_line_options::one_of(const std::string& title) {
  CLI::Option_group* group = app_->add_option_group(title);
  group->require_option(1);
  return command_line_options(*group);
}

command_line_parser::command_line_parser(std::unique_ptr<CLI::App> app)
    : command_line_options(*app), owned_(std::move(app)) {}

command_line_parser::command_line_parser(const std::string& description, const std::string& program)
    : command_line_parser(std::make_unique<CLI::App>(description, program)) {}

command_line_parser::~command_line_parser() = default;

std::optional<int> command_line_parser::parse(int argc, char** argv) {
  try {
    owned_->parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return owned_->exit(stop);
  }
  return std::nullopt;
}

}  // namespace qgrain::common
