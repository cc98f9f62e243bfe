#include <common/python_text.hpp>
#include <hydra/interpolation.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace qgrain::hydra {
namespace {

bool is_interpolation(const json::value& value) { return value.is_string() && is_interpolated(value.get_string()); }

std::string text_argument(const std::string& resolver, const json::value& argument) {
  if (!argument.is_string())
    throw error(errc::invalid_argument, resolver + " takes a text, not " + common::python_text(argument));
  return std::string(argument.get_string());
}

void require_count(const std::string& resolver, const json::array& arguments, std::size_t least, std::size_t most) {
  if (arguments.size() >= least && arguments.size() <= most) return;
  const std::string wanted =
      least == most ? std::to_string(least) : std::to_string(least) + " or " + std::to_string(most);
  throw error(errc::invalid_argument,
              resolver + " takes " + wanted + " arguments, not " + std::to_string(arguments.size()));
}

[[noreturn]] void unknown_key(const json::value& root, const node_path& keys) {
  const json::value* parent = &root;
  std::size_t depth = 0;
  while (depth < keys.size()) {
    const auto* child = find_child(*parent, keys[depth]);
    if (child == nullptr) break;
    parent = child;
    ++depth;
  }
  const auto hint = depth < keys.size() ? name_hint(keys[depth], keys_of(*parent)) : std::string();
  throw error(errc::unknown_name, "there is no key '" + path_text(root, keys) + "'" + hint);
}

}  // namespace

class interpolator::in_progress {
 public:
  in_progress(std::set<node_path>& places, const json::value& root, const node_path& place) : places_(places) {
    const auto [entry, added] = places.insert(place);
    if (!added) {
      throw error(errc::invalid_argument,
                  "key '" + path_text(root, place) + "': its interpolation leads back to itself");
    }
    entry_ = entry;
  }
  in_progress(const in_progress&) = delete;
  in_progress& operator=(const in_progress&) = delete;
  ~in_progress() { places_.erase(entry_); }

 private:
  std::set<node_path>& places_;
  std::set<node_path>::iterator entry_;
};

const json::value& interpolator::node(const target& found) const {
  const auto* place = std::get_if<node_path>(&found);
  return place ? *find_node(root_, *place) : std::get<json::value>(found);
}

std::string interpolator::text_of(const target& found) const { return common::python_text(node(found)); }

target interpolator::follow(const node_path& place) {
  const json::value& value = *find_node(root_, place);
  if (!is_interpolation(value)) return place;
  const in_progress guard(followed_, root_, place);
  try {
    return evaluate(parse_interpolated(value.get_string()), node_path(place.begin(), std::prev(place.end())));
  } catch (const error& failure) {
    // the innermost key says most
    if (std::string_view(failure.what()).starts_with("key '")) throw;
    throw error(failure.code(),
                "key '" + path_text(root_, place) + "' (" + std::string(value.get_string()) + "): " + failure.what());
  }
}

std::optional<target> interpolator::select(const node_path& base, const node_path& keys) {
  target current = base;
  for (const auto& key : keys) {
    if (const auto* place = std::get_if<node_path>(&current)) {
      if (!find_child(*find_node(root_, *place), key)) return std::nullopt;
      current = follow(child_path(*place, key));
    } else {
      const auto* child = find_child(std::get<json::value>(current), key);
      if (child == nullptr) return std::nullopt;
      current = json::value(*child);
    }
  }
  return current;
}

json::value interpolator::value_of(const target& found) {
  const auto* place = std::get_if<node_path>(&found);
  return place ? resolved(*place) : std::get<json::value>(found);
}

json::value interpolator::resolved(const node_path& place) {
  const json::value& value = *find_node(root_, place);
  if (is_interpolation(value)) return value_of(follow(place));
  if (!is_container(value)) return value;
  const in_progress guard(opened_, root_, place);
  if (value.is_array()) {
    json::array result;
    for (std::size_t i = 0; i < value.get_array().size(); ++i)
      result.push_back(resolved(child_path(place, std::to_string(i))));
    return result;
  }
  json::object result;
  for (const auto& key : keys_of(value)) result[key] = resolved(child_path(place, key));
  return result;
}

json::value interpolator::resolved_text(std::string_view text, const node_path& holder) {
  return value_of(evaluate(parse_interpolated(text), holder));
}

std::string interpolator::text_of(const interpolated_text& text, const node_path& holder) {
  std::string result;
  for (const auto& part : text) {
    const auto* literal = std::get_if<std::string>(&part.value);
    result += literal ? *literal : text_of(evaluate(part, holder));
  }
  return result;
}

target interpolator::evaluate(const interpolated_text& text, const node_path& holder) {
  const bool is_single = text.size() == 1 && !std::holds_alternative<std::string>(text.front().value);
  if (is_single) return evaluate(text.front(), holder);
  return json::value(text_of(text, holder));
}

target interpolator::evaluate(const text_part& part, const node_path& holder) {
  if (const auto* reference = std::get_if<key_reference>(&part.value)) return evaluate(*reference, holder);
  if (const auto* call = std::get_if<resolver_call>(&part.value)) return evaluate(*call, holder);
  return json::value(std::get<std::string>(part.value));
}

node_path interpolator::relative_base(std::string_view key, std::size_t dots, const node_path& holder) const {
  if (dots == 0) return {};
  if (dots - 1 > holder.size())
    throw error(errc::unknown_name,
                "'" + std::string(key) + "' with " + std::to_string(dots) + " dots goes above the root");
  return {holder.begin(), holder.end() - static_cast<std::ptrdiff_t>(dots - 1)};
}

target interpolator::evaluate(const key_reference& reference, const node_path& holder) {
  const auto key_of = [&](const text_part& part) {
    if (const auto* literal = std::get_if<std::string>(&part.value)) return *literal;
    const target found = evaluate(part, holder);
    if (!node(found).is_string()) throw error(errc::invalid_argument, "a key is a text, not " + text_of(found));
    return text_of(found);
  };
  std::string key;
  for (const auto& part : reference.key) key += key_of(part);
  const node_path keys = split_path(key);
  const node_path base = relative_base(key, reference.dots, holder);
  const auto found = select(base, keys);
  if (!found) {
    node_path absolute = base;
    absolute.insert(absolute.end(), keys.begin(), keys.end());
    unknown_key(root_, absolute);
  }
  if (is_missing(node(*found)))
    throw error(errc::invalid_argument, "the value of '" + key + "' must be given, it is still ???");
  if (const auto* place = std::get_if<node_path>(&*found)) {
    const bool holds_the_text =
        place->size() <= holder.size() && std::equal(place->begin(), place->end(), holder.begin());
    if (holds_the_text) throw error(errc::invalid_argument, "an interpolation refers to what holds it");
  }
  return *found;
}

json::value interpolator::evaluate(const resolver_call& call, const node_path& holder) {
  json::array arguments;
  for (const auto& argument : call.arguments) arguments.push_back(evaluate(argument, holder));
  return call_resolver(text_of(call.name, holder), arguments, holder);
}

json::value interpolator::evaluate(const resolver_argument& argument, const node_path& holder) {
  if (const auto* plain = std::get_if<element>(&argument.value)) return to_json(*plain);
  if (const auto* text = std::get_if<interpolated_text>(&argument.value)) return value_of(evaluate(*text, holder));
  if (const auto* quoted = std::get_if<quoted_argument>(&argument.value))
    return json::value(text_of(quoted->text, holder));
  if (const auto* list = std::get_if<argument_list>(&argument.value)) {
    json::array result;
    for (const auto& item : *list) result.push_back(evaluate(item, holder));
    return result;
  }
  json::object result;
  for (const auto& [key, item] : std::get<argument_dictionary>(argument.value)) {
    result[key_to_json(key)] = evaluate(item, holder);
  }
  return result;
}

std::optional<target> interpolator::select_text(const std::string& key, const node_path& holder) {
  const std::size_t dots = std::min(key.find_first_not_of('.'), key.size());
  return select(relative_base(key, dots, holder), split_path(std::string_view(key).substr(dots)));
}

json::value interpolator::environment_value(const json::array& arguments) const {
  require_count("oc.env", arguments, 1, 2);
  const std::string name = text_argument("oc.env", arguments[0]);
  if (auto value = context_.environment ? context_.environment(name) : std::nullopt) return json::value(*value);
  if (arguments.size() == 1)
    throw error(errc::unknown_name, "the environment variable " + name + " is not set and has no default");
  return arguments[1].is_null() ? arguments[1] : json::value(common::python_text(arguments[1]));
}

json::value interpolator::time_text(const json::array& arguments) const {
  require_count("now", arguments, 1, 1);
  const std::string format = text_argument("now", arguments[0]);
  std::string text(64 + 16 * format.size(), '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &context_.now));
  return json::value(text);
}

json::value interpolator::mapping_parts(const std::string& resolver, const json::value& key, const node_path& holder) {
  const std::string path = text_argument(resolver, key);
  const auto found = select_text(path, holder);
  if (!found) throw error(errc::unknown_name, "there is no key '" + path + "'");
  const json::value& mapping = node(*found);
  if (!mapping.is_object()) {
    throw error(errc::invalid_argument, resolver + " takes the key of a mapping, which '" + path + "' is not");
  }
  const auto* place = std::get_if<node_path>(&*found);
  json::array result;
  for (const auto& entry : mapping.get_object()) {
    if (resolver == "oc.dict.keys") {
      result.emplace_back(entry.key());
    } else {
      result.push_back(place ? resolved(child_path(*place, entry.key())) : entry.value());
    }
  }
  return result;
}

json::value interpolator::call_resolver(const std::string& name, const json::array& arguments,
                                        const node_path& holder) {
  if (name == "oc.env") return environment_value(arguments);
  if (name == "now") return time_text(arguments);
  if (name == "oc.dict.keys" || name == "oc.dict.values") {
    require_count(name, arguments, 1, 1);
    return mapping_parts(name, arguments[0], holder);
  }
  if (name == "oc.create") {
    require_count(name, arguments, 1, 1);
    if (!is_container(arguments[0])) throw error(errc::invalid_argument, "oc.create takes a list or a dictionary");
    return arguments[0];
  }
  if (name == "oc.select") {
    require_count(name, arguments, 1, 2);
    const auto found = select_text(text_argument(name, arguments[0]), holder);
    if (found && !is_missing(node(*found))) return value_of(*found);
    return arguments.size() == 2 ? arguments[1] : json::value(nullptr);
  }
  if (name == "oc.decode") {
    require_count(name, arguments, 1, 1);
    if (arguments[0].is_null()) return nullptr;
    return evaluate(parse_argument(text_argument(name, arguments[0])), holder);
  }
  const std::vector<std::string> known = {"now",    "oc.create", "oc.decode", "oc.dict.keys", "oc.dict.values",
                                          "oc.env", "oc.select"};
  throw error(errc::unknown_name, "there is no resolver '" + name + "'" + name_hint(name, known));
}

namespace {

void collect_missing(const json::value& root, const json::value& value, const node_path& place,
                     std::vector<std::string>& missing) {
  if (is_missing(value)) missing.push_back(path_text(root, place));
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      collect_missing(root, value.get_array()[i], child_path(place, std::to_string(i)), missing);
    }
  }
  for (const auto& key : keys_of(value))
    collect_missing(root, value.get_object().at(key), child_path(place, key), missing);
}

void require_well_formed(const json::value& root, const node_path& place) {
  const json::value& value = *find_node(root, place);
  if (is_interpolation(value)) {
    try {
      (void)parse_interpolated(value.get_string());
    } catch (const error& failure) {
      throw error(failure.code(), "key '" + path_text(root, place) + "': " + failure.what());
    }
  }
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.get_array().size(); ++i)
      require_well_formed(root, child_path(place, std::to_string(i)));
  }
  for (const auto& key : keys_of(value)) require_well_formed(root, child_path(place, key));
}

}  // namespace

resolution resolve(const json::object& config, const runtime_context& context) {
  const json::value root = config;
  resolution result{std::move(interpolator(root, context).resolved({}).as_object()), {}};
  // what is missing is missing where it stands, not where an interpolation shows it
  collect_missing(root, root, {}, result.missing);
  std::sort(result.missing.begin(), result.missing.end());
  return result;
}

void require_well_formed(const json::value& config) { require_well_formed(config, {}); }

}  // namespace qgrain::hydra
