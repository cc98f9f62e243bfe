// Interpolations of a configuration and what they stand for.
#ifndef QGRAIN_HYDRA_INTERPOLATION_HPP
#define QGRAIN_HYDRA_INTERPOLATION_HPP

#include <hydra/interpolation_text.hpp>
#include <hydra/node_path.hpp>
#include <hydra/runtime_context.hpp>

#include <optional>
#include <set>
#include <string_view>
#include <variant>
#include <vector>

namespace qgrain::hydra {

/// What stands at a place once interpolations are followed: a place of the configuration that is no interpolation, or a
/// value that some interpolation computed.
using target = std::variant<node_path, json::value>;

/// Follows the interpolations of one configuration, by the rules of OmegaConf 2.3: ${a.b}, relative ${.a} and ${..a},
/// nested ${a.${b}}, and the resolvers oc.env, oc.decode, oc.create, oc.select, oc.dict.keys, oc.dict.values and now.
/// Holds references to both arguments. Every function throws qgrain::error with a sentence that names the key and the
/// interpolation: unknown key (with the nearest names), missing value, cycle, resolver.
class interpolator {
 public:
  interpolator(const json::value& root, const runtime_context& context) : root_(root), context_(context) {}

  /// What the value at an existing place stands for.
  [[nodiscard]] target follow(const node_path& place);

  /// What a dotted path from `base` leads to, interpolations on the way followed; empty where a key does not exist.
  [[nodiscard]] std::optional<target> select(const node_path& base, const node_path& keys);

  /// The value at an existing place with all interpolations below it resolved; ??? stays.
  [[nodiscard]] json::value resolved(const node_path& place);

  /// A text that stands in the mapping or list at `holder`, resolved.
  [[nodiscard]] json::value resolved_text(std::string_view text, const node_path& holder);

  /// The value of a target as it stands, interpolations below it included.
  [[nodiscard]] const json::value& node(const target& found) const;

  /// The value of a target, with everything below it resolved.
  [[nodiscard]] json::value value_of(const target& found);

 private:
  class in_progress;

  [[nodiscard]] target evaluate(const interpolated_text& text, const node_path& holder);
  [[nodiscard]] target evaluate(const text_part& part, const node_path& holder);
  [[nodiscard]] target evaluate(const key_reference& reference, const node_path& holder);
  [[nodiscard]] json::value evaluate(const resolver_call& call, const node_path& holder);
  [[nodiscard]] json::value evaluate(const resolver_argument& argument, const node_path& holder);
  [[nodiscard]] json::value call_resolver(const std::string& name, const json::array& arguments,
                                          const node_path& holder);
  [[nodiscard]] json::value environment_value(const json::array& arguments) const;
  [[nodiscard]] json::value time_text(const json::array& arguments) const;
  [[nodiscard]] json::value mapping_parts(const std::string& resolver, const json::value& key, const node_path& holder);
  [[nodiscard]] node_path relative_base(std::string_view key, std::size_t dots, const node_path& holder) const;
  [[nodiscard]] std::optional<target> select_text(const std::string& key, const node_path& holder);
  [[nodiscard]] std::string text_of(const target& found) const;
  [[nodiscard]] std::string text_of(const interpolated_text& text, const node_path& holder);
  const json::value& root_;
  const runtime_context& context_;
  std::set<node_path> followed_;  // texts being resolved
  std::set<node_path> opened_;    // containers being resolved
};

struct resolution {
  json::object config;
  std::vector<std::string> missing;  ///< dotted paths that are still ???, in alphabetical order
};

/// A configuration with all interpolations resolved, key order kept.
[[nodiscard]] resolution resolve(const json::object& config, const runtime_context& context);

/// Throws errc::invalid_argument, naming the key, where a text of the configuration is no well-formed interpolation.
void require_well_formed(const json::value& config);

}  // namespace qgrain::hydra

#endif
