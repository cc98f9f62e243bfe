#include <hydra/interpolation.hpp>
#include <hydra/merge.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

namespace qgrain::hydra {
namespace {

// An interpolation that leads to a list or mapping of the configuration becomes a copy of it.
void unfold(json::value& root, const node_path& place, const runtime_context& context) {
  const json::value& value = *find_node(root, place);
  if (!value.is_string() || !is_interpolated(value.get_string())) return;
  try {
    const target found = interpolator(root, context).follow(place);
    const auto* origin = std::get_if<node_path>(&found);
    if (origin == nullptr) return;
    json::value copy = *find_node(root, *origin);
    if (is_container(copy)) *find_node(root, place) = std::move(copy);
  } catch (const error&) {
    // it cannot be followed yet, so it is replaced like any other text
  }
}

}  // namespace

void merge_container(json::value& root, const node_path& place, const json::value& value, new_keys policy,
                     const runtime_context& context) {
  json::value& destination = *find_node(root, place);
  if (destination.is_object() && value.is_object()) {
    merge_into(root, place, value.get_object(), policy, context);
  } else if (destination.is_array() && value.is_array()) {
    destination = value;
  } else {
    const bool is_list = destination.is_array();
    throw error(errc::invalid_argument, "'" + path_text(root, place) + "' is a " + (is_list ? "list" : "mapping") +
                                            " and cannot take a " + (is_list ? "mapping" : "list"));
  }
}

void merge_into(json::value& root, const node_path& place, const json::object& source, new_keys policy,
                const runtime_context& context) {
  for (const auto& entry : source) {
    const node_path child = child_path(place, entry.key());
    json::value* known = find_node(root, child);
    if (known == nullptr) {
      json::value& parent = *find_node(root, place);
      if (policy == new_keys::refused) {
        throw error(errc::unknown_name,
                    "there is no key '" + path_text(root, child) + "'" + name_hint(child.back(), keys_of(parent)));
      }
      parent.get_object()[entry.key()] = entry.value();
      continue;
    }
    if (is_missing(entry.value())) continue;
    if (is_container(entry.value())) unfold(root, child, context);
    known = find_node(root, child);
    if (is_container(*known) && is_container(entry.value())) {
      merge_container(root, child, entry.value(), policy, context);
    } else {
      *known = entry.value();
    }
  }
}

}  // namespace qgrain::hydra
