#include <hydra/casts.hpp>
#include <hydra/element_order.hpp>
#include <hydra/functions.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

namespace qgrain::hydra {
namespace {

[[noreturn]] void refuse_call(const std::string& reason) { throw error(errc::invalid_argument, reason); }

const element* as_element(const override_value& value) { return std::get_if<element>(&value); }

template <typename Alternative>
const Alternative* as_sweep(const override_value& value) {
  const auto* sweep = std::get_if<sweep_value>(&value);
  return sweep ? std::get_if<Alternative>(sweep) : nullptr;
}

template <typename Alternative>
const Alternative* as(const override_value& value) {
  const auto* plain = as_element(value);
  return plain ? std::get_if<Alternative>(&plain->value) : nullptr;
}

bool is_null(const override_value& value) { return as<std::nullptr_t>(value) != nullptr; }

// Binds positional and named arguments to parameters, as a Python call does.
class bound_arguments {
 public:
  bound_arguments(function_arguments arguments, const std::vector<std::string_view>& parameters)
      : values_(parameters.size()) {
    if (arguments.positional.size() > parameters.size())
      refuse_call("takes at most " + std::to_string(parameters.size()) + " arguments");
    std::move(arguments.positional.begin(), arguments.positional.end(), values_.begin());
    for (auto& [name, value] : arguments.named) {
      const auto place = std::find(parameters.begin(), parameters.end(), name);
      if (place == parameters.end()) refuse_call("has no argument '" + name + "'");
      auto& slot = values_[static_cast<std::size_t>(place - parameters.begin())];
      if (slot) refuse_call("is given the argument '" + name + "' twice");
      slot = std::move(value);
    }
  }

  [[nodiscard]] const std::optional<override_value>& operator[](std::size_t index) const { return values_[index]; }

 private:
  std::vector<std::optional<override_value>> values_;
};

// The named argument, taken out of the call; empty where it is absent or null.
std::optional<override_value> take_named(function_arguments& arguments, std::string_view name) {
  const auto place = std::find_if(arguments.named.begin(), arguments.named.end(),
                                  [name](const auto& argument) { return argument.first == name; });
  if (place == arguments.named.end()) return std::nullopt;
  auto value = std::move(place->second);
  arguments.named.erase(place);
  if (is_null(value)) return std::nullopt;
  return value;
}

void refuse_null(const std::vector<override_value>& values) {
  if (std::any_of(values.begin(), values.end(), is_null)) refuse_call("does not take null");
}

void require_no_named(const function_arguments& arguments) {
  if (!arguments.named.empty()) refuse_call("has no argument '" + arguments.named.front().first + "'");
}

element_list plain_elements(std::vector<override_value>&& values) {
  element_list elements;
  for (auto& value : values) {
    auto* plain = std::get_if<element>(&value);
    if (plain == nullptr) refuse_call("takes a sweep as its only argument, not beside others");
    elements.push_back(std::move(*plain));
  }
  return elements;
}

number number_argument(const std::optional<override_value>& value, const char* name) {
  const auto* plain = value ? as_element(*value) : nullptr;
  const auto real = plain ? numeric(*plain) : std::nullopt;
  if (!real) refuse_call(std::string("needs a number as '") + name + "'");
  return *real;
}

override_value call_cast(cast_type type, function_arguments arguments) {
  auto value = take_named(arguments, "value");
  require_no_named(arguments);
  if (value && !arguments.positional.empty()) refuse_call("takes positional arguments or 'value', not both");
  if (!value && arguments.positional.empty()) refuse_call("needs a value");
  if (!value && arguments.positional.size() == 1) value = std::move(arguments.positional.front());
  if (!value) value = sweep_value(choice_sweep{.choices = plain_elements(std::move(arguments.positional))});
  return cast(type, *value);
}

override_value call_choice(function_arguments arguments) {
  require_no_named(arguments);
  if (arguments.positional.empty()) refuse_call("needs at least one element");
  if (arguments.positional.size() == 1) {
    if (const auto* inner = as_sweep<choice_sweep>(arguments.positional.front())) {
      if (inner->written_as == choice_sweep::form::function) refuse_call("cannot hold another choice");
      auto sweep = *inner;
      sweep.written_as = choice_sweep::form::function;
      return sweep_value(std::move(sweep));
    }
  }
  refuse_null(arguments.positional);
  return sweep_value(choice_sweep{.choices = plain_elements(std::move(arguments.positional)),
                                  .written_as = choice_sweep::form::function});
}

override_value call_range(function_arguments arguments) {
  const bound_arguments bound(std::move(arguments), {"start", "stop", "step"});
  range_sweep sweep{.start = number_argument(bound[0], "start"), .stop = whole_number(0), .step = whole_number(1)};
  if (bound[2]) sweep.step = number_argument(bound[2], "step");
  if (bound[1] && !is_null(*bound[1])) {
    sweep.stop = number_argument(bound[1], "stop");
  } else {
    sweep.stop = std::exchange(sweep.start, whole_number(0));
  }
  return sweep_value(std::move(sweep));
}

override_value call_interval(function_arguments arguments) {
  const bound_arguments bound(std::move(arguments), {"start", "end"});
  return sweep_value(interval_sweep{.start = to_double(number_argument(bound[0], "start")),
                                    .end = to_double(number_argument(bound[1], "end"))});
}

std::vector<std::string> patterns(const override_value& value) {
  if (const auto* text = as<text_value>(value)) return {text->characters};
  const auto* list = as<element_list>(value);
  if (list == nullptr) refuse_call("takes a pattern or a list of patterns");
  std::vector<std::string> result;
  for (const auto& item : *list) {
    const auto* text = std::get_if<text_value>(&item.value);
    if (text == nullptr) refuse_call("takes a pattern or a list of patterns");
    if (text->quote != quote_mark::none) refuse_call("takes the patterns of a list without quotes");
    result.push_back(text->characters);
  }
  return result;
}

override_value call_glob(function_arguments arguments) {
  const bound_arguments bound(std::move(arguments), {"include", "exclude"});
  if (!bound[0]) refuse_call("needs a pattern");
  glob_sweep sweep{.include = patterns(*bound[0]), .exclude = {}};
  if (bound[1] && !is_null(*bound[1])) sweep.exclude = patterns(*bound[1]);
  return sweep_value(std::move(sweep));
}

// sort(...) and shuffle(...) also name what they work on: `list=[...]`, `sweep=choice(...)`.
void take_subject(function_arguments& arguments) {
  for (const char* name : {"sweep", "list"}) {
    auto subject = take_named(arguments, name);
    if (!subject) continue;
    const bool is_list = as<element_list>(*subject) != nullptr;
    const bool is_sweep = std::holds_alternative<sweep_value>(*subject);
    if (name == std::string_view("list") ? !is_list : !is_sweep)
      refuse_call("takes a " + std::string(name) + " as '" + name + "'");
    arguments.positional.clear();
    arguments.positional.push_back(std::move(*subject));
  }
  require_no_named(arguments);
  refuse_null(arguments.positional);
}

override_value call_sort(function_arguments arguments) {
  auto direction = sort_direction::ascending;
  if (const auto reverse = take_named(arguments, "reverse")) {
    const auto* flag = as<bool>(*reverse);
    if (flag == nullptr) refuse_call("takes true or false as 'reverse'");
    if (*flag) direction = sort_direction::descending;
  }
  take_subject(arguments);
  auto& subjects = arguments.positional;
  if (subjects.empty()) refuse_call("needs something to sort");
  if (subjects.size() > 1) {
    auto elements = plain_elements(std::move(subjects));
    for (const auto& item : elements) {
      if (!numeric(item) && !std::holds_alternative<text_value>(item.value))
        refuse_call(std::string("does not take a ") + type_name(item) + " beside other arguments");
    }
    return sweep_value(choice_sweep{.choices = sorted(std::move(elements), direction)});
  }
  auto& subject = subjects.front();
  if (const auto* list = as<element_list>(subject)) return element{sorted(*list, direction)};
  if (as_element(subject)) return subject;
  if (const auto* choices = as_sweep<choice_sweep>(subject)) {
    auto sweep = *choices;
    sweep.choices = sorted(std::move(sweep.choices), direction);
    return sweep_value(std::move(sweep));
  }
  if (const auto* range = as_sweep<range_sweep>(subject)) return sweep_value(sorted(*range, direction));
  refuse_call("takes a list, a choice or a range");
}

override_value call_shuffle(function_arguments arguments) {
  take_subject(arguments);
  auto& subjects = arguments.positional;
  if (subjects.size() != 1) {
    return sweep_value(choice_sweep{.choices = plain_elements(std::move(subjects)), .order = sweep_order::shuffled});
  }
  auto& subject = subjects.front();
  if (const auto* list = as<element_list>(subject)) return element{shuffled(*list)};
  if (const auto* plain = as_element(subject)) return element{element_list{*plain}};
  auto& sweep = std::get<sweep_value>(subject);
  if (auto* choices = std::get_if<choice_sweep>(&sweep)) {
    choices->order = sweep_order::shuffled;
  } else if (auto* range = std::get_if<range_sweep>(&sweep)) {
    range->order = sweep_order::shuffled;
  } else {
    refuse_call("takes a list, a choice or a range");
  }
  return subject;
}

override_value call_tag(function_arguments arguments) {
  auto& values = arguments.positional;
  if (values.empty()) refuse_call("needs a sweep");
  if (auto sweep = take_named(arguments, "sweep")) values.push_back(std::move(*sweep));
  require_no_named(arguments);
  std::set<std::string> tags;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    const auto* tag = as<text_value>(values[i]);
    if (tag == nullptr) refuse_call("takes texts before its sweep");
    tags.insert(tag->characters);
  }
  auto* sweep = std::get_if<sweep_value>(&values.back());
  if (sweep == nullptr || std::holds_alternative<glob_sweep>(*sweep))
    refuse_call("takes a choice, a range or an interval as its last argument");
  std::visit(
      [&tags]<typename Sweep>(Sweep& target) {
        if constexpr (!std::is_same_v<Sweep, glob_sweep>) target.tags = std::move(tags);
      },
      *sweep);
  return std::move(values.back());
}

struct named_function {
  std::string_view name;
  override_value (*call)(function_arguments);
};

template <cast_type Type>
override_value call_cast_to(function_arguments arguments) {
  return call_cast(Type, std::move(arguments));
}

constexpr named_function functions[] = {
    {"bool", call_cast_to<cast_type::boolean>},
    {"choice", call_choice},
    {"float", call_cast_to<cast_type::floating>},
    {"glob", call_glob},
    {"int", call_cast_to<cast_type::integer>},
    {"interval", call_interval},
    {"range", call_range},
    {"shuffle", call_shuffle},
    {"sort", call_sort},
    {"str", call_cast_to<cast_type::text>},
    {"tag", call_tag},
};

void drop_quotes(override_value& value) {
  auto* plain = std::get_if<element>(&value);
  auto* text = plain ? std::get_if<text_value>(&plain->value) : nullptr;
  if (text) text->quote = quote_mark::none;
}

}  // namespace

override_value call_function(std::string_view name, function_arguments arguments) {
  const auto* function = std::find_if(std::begin(functions), std::end(functions),
                                      [name](const named_function& candidate) { return candidate.name == name; });
  if (function == std::end(functions)) {
    std::vector<std::string> names;
    for (const auto& candidate : functions) names.emplace_back(candidate.name);
    throw error(errc::unknown_name, "there is no function '" + std::string(name) + "'" + name_hint(name, names));
  }
  for (auto& value : arguments.positional) drop_quotes(value);
  for (auto& argument : arguments.named) drop_quotes(argument.second);
  try {
    return function->call(std::move(arguments));
  } catch (const error& failure) {
    throw error(failure.code(), std::string(name) + "() " + failure.what());
  }
}

}  // namespace qgrain::hydra
