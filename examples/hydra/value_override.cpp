#include <hydra/interpolation.hpp>
#include <hydra/merge.hpp>
#include <hydra/value_override.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

[[noreturn]] void refuse_key(const json::value& config, const node_path& parent, const std::string& key) {
  const json::value& holder = *find_node(config, parent);
  const std::string subject = "there is no key '" + path_text(config, child_path(parent, key)) + "'";
  if (holder.is_array())
    throw error(errc::unknown_name, subject + "; the list has " + std::to_string(holder.get_array().size()) +
                                        " elements, and none can be added");
  throw error(errc::unknown_name, subject + name_hint(key, keys_of(holder)) + " (+key=value adds a key)");
}

// The place of a key, made where `policy` allows it; values on the way that hold nothing become mappings.
node_path reach(json::value& config, const node_path& keys, new_keys policy) {
  node_path place;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    json::value& holder = *find_node(config, place);
    if (find_child(holder, keys[i]) == nullptr) {
      if (policy == new_keys::refused || !holder.is_object()) refuse_key(config, place, keys[i]);
      holder.get_object()[keys[i]] = nullptr;
    }
    place.push_back(keys[i]);
    json::value& value = *find_node(config, place);
    if (i + 1 < keys.size() && !is_container(value)) value = json::object();
  }
  return place;
}

void assign_value(json::value& config, const node_path& keys, const json::value& value, new_keys policy,
                  const runtime_context& context) {
  const node_path place = reach(config, keys, policy);
  json::value& current = *find_node(config, place);
  if (is_container(value) && is_container(current)) {
    merge_container(config, place, value, policy, context);
  } else {
    current = value;
  }
}

// Equal as Python compares: numbers and bools by value.
bool equal_values(const json::value& a, const json::value& b) {
  const auto is_number = [](const json::value& value) { return value.is_number() || value.is_bool(); };
  const auto as_number = [](const json::value& value) {
    return value.is_bool() ? json::value(value.get_bool() ? 1 : 0) : value;
  };
  if (is_number(a) && is_number(b)) {
    const json::value left = as_number(a), right = as_number(b);
    if (left.is_double() || right.is_double()) return left.to_number<double>() == right.to_number<double>();
    return left == right;
  }
  if (a.is_array() && b.is_array()) {
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(),
                      equal_values);
  }
  if (a.is_object() && b.is_object()) {
    const auto& left = a.get_object();
    const auto& right = b.get_object();
    return left.size() == right.size() && std::all_of(left.begin(), left.end(), [&right](const auto& entry) {
             const auto* other = right.if_contains(entry.key());
             return other && equal_values(entry.value(), *other);
           });
  }
  return a == b;
}

// What a key leads to once interpolations are followed; empty where that is absent, null or ???.
std::optional<target> present(interpolator& lookup, const node_path& keys) {
  auto found = lookup.select({}, keys);
  if (found && (lookup.node(*found).is_null() || is_missing(lookup.node(*found)))) return std::nullopt;
  return found;
}

void remove_key(json::value& config, const node_path& keys, const json::value& wanted, const runtime_context& context) {
  interpolator lookup(config, context);
  const auto found = present(lookup, keys);
  if (!found) throw error(errc::unknown_name, "there is no value at '" + path_text(config, keys) + "' to delete");
  if (!wanted.is_null()) {
    const json::value value = lookup.value_of(*found);
    if (!equal_values(value, wanted)) {
      throw error(errc::invalid_argument,
                  "the value to delete is " + json::serialize(value) + ", not " + json::serialize(wanted));
    }
  }
  const auto parent = lookup.select({}, node_path(keys.begin(), std::prev(keys.end())));
  const auto* place = std::get_if<node_path>(&*parent);
  json::value* holder = place ? find_node(config, *place) : nullptr;
  if (holder == nullptr || !holder->is_object())
    throw error(errc::invalid_argument, "an element of a list cannot be deleted");
  holder->get_object().stable_erase(keys.back());
}

bool is_present(const json::value& config, const node_path& keys, const runtime_context& context) {
  interpolator lookup(config, context);
  return present(lookup, keys).has_value();
}

void apply(json::value& config, const config_override& parsed, const runtime_context& context) {
  if (parsed.package)
    throw error(errc::unknown_name, "there is no group '" + parsed.key + "', so nothing can stand behind its @");
  const node_path keys = split_path(parsed.key);
  const json::value value = parsed.value ? to_json(*plain_value(parsed)) : json::value(nullptr);
  switch (parsed.type) {
    case override_type::remove:
      return remove_key(config, keys, value, context);
    case override_type::change:
      return assign_value(config, keys, value, new_keys::refused, context);
    case override_type::force_add:
      return assign_value(config, keys, value, new_keys::allowed, context);
    case override_type::add:
      break;
  }
  if (is_present(config, keys, context) && !is_container(value)) {
    throw error(errc::invalid_argument,
                "'" + parsed.key + "' is there already; without + it is changed, with ++ added or changed");
  }
  assign_value(config, keys, value, new_keys::allowed, context);
}

}  // namespace

void apply_override(json::value& config, const config_override& parsed, const runtime_context& context) {
  try {
    apply(config, parsed, context);
  } catch (const error& failure) {
    throw error(failure.code(), "override '" + parsed.input + "': " + failure.what());
  }
}

}  // namespace qgrain::hydra
