#include <hydra/node_path.hpp>

#include <algorithm>
#include <charconv>

namespace qgrain::hydra {

node_path split_path(std::string_view text) {
  node_path parts;
  std::string part;
  bool open = false;  // a part that may turn out empty
  for (const char c : text) {
    const bool closes = c == '.' || c == '[' || c == ']';
    if (closes && (open || !part.empty())) parts.push_back(std::exchange(part, {}));
    if (!closes) part += c;
    open = c == '.';
  }
  if (open || !part.empty()) parts.push_back(part);
  return parts;
}

std::string path_text(const json::value& root, const node_path& path) {
  std::string text;
  const json::value* parent = &root;
  for (const auto& key : path) {
    if (parent && parent->is_array()) {
      text.append("[").append(key).append("]");
    } else {
      if (!text.empty()) text += '.';
      text += key;
    }
    parent = parent ? find_child(*parent, key) : nullptr;
  }
  return text;
}

node_path child_path(const node_path& parent, std::string_view key) {
  node_path path = parent;
  path.emplace_back(key);
  return path;
}

const json::value* find_child(const json::value& parent, std::string_view key) {
  if (parent.is_object()) return parent.get_object().if_contains(key);
  if (!parent.is_array()) return nullptr;
  std::size_t index = 0;
  const auto [end, code] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (code != std::errc() || end != key.data() + key.size()) return nullptr;
  return parent.get_array().if_contains(index);
}

json::value* find_child(json::value& parent, std::string_view key) {
  return const_cast<json::value*>(find_child(std::as_const(parent), key));
}

const json::value* find_node(const json::value& root, const node_path& path) {
  const json::value* node = &root;
  for (auto key = path.begin(); node && key != path.end(); ++key) node = find_child(*node, *key);
  return node;
}

json::value* find_node(json::value& root, const node_path& path) {
  return const_cast<json::value*>(find_node(std::as_const(root), path));
}

std::vector<std::string> keys_of(const json::value& value) {
  std::vector<std::string> keys;
  if (!value.is_object()) return keys;
  for (const auto& entry : value.get_object()) keys.emplace_back(entry.key());
  return keys;
}

bool is_missing(const json::value& value) { return value.is_string() && value.get_string() == "???"; }

}  // namespace qgrain::hydra
