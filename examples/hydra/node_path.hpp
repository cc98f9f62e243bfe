// Places in a configuration: keys and list indices from the root.
#ifndef QGRAIN_HYDRA_NODE_PATH_HPP
#define QGRAIN_HYDRA_NODE_PATH_HPP

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace qgrain::hydra {

namespace json = boost::json;

/// Keys from the root; a list index is written in digits.
using node_path = std::vector<std::string>;

/// The parts of "a.b[0].c"; a part may stand in brackets.
[[nodiscard]] node_path split_path(std::string_view text);

/// "a.b[0].c": an index in brackets where `root` has a list.
[[nodiscard]] std::string path_text(const json::value& root, const node_path& path);

/// `parent` and one key more.
[[nodiscard]] node_path child_path(const node_path& parent, std::string_view key);

/// The value of a key or index; null where there is none or `parent` is no container.
[[nodiscard]] const json::value* find_child(const json::value& parent, std::string_view key);
[[nodiscard]] json::value* find_child(json::value& parent, std::string_view key);

/// The value at a path; null where there is none.
[[nodiscard]] const json::value* find_node(const json::value& root, const node_path& path);
[[nodiscard]] json::value* find_node(json::value& root, const node_path& path);

/// The keys of a mapping in their order, nothing for other values.
[[nodiscard]] std::vector<std::string> keys_of(const json::value& value);

/// Whether a value is the mark for "must be given": the text ???.
[[nodiscard]] bool is_missing(const json::value& value);

[[nodiscard]] inline bool is_container(const json::value& value) { return value.is_object() || value.is_array(); }

}  // namespace qgrain::hydra

#endif
