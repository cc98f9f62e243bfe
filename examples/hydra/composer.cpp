#include <hydra/composer.hpp>
#include <hydra/defaults_list.hpp>
#include <hydra/interpolation.hpp>
#include <hydra/merge.hpp>
#include <hydra/sweep_expand.hpp>
#include <hydra/value_override.hpp>

#include <qgrain/core/status.hpp>

namespace qgrain::hydra {
namespace {

std::vector<config_override> parse_all(const std::vector<std::string>& texts, run_kind kind) {
  std::vector<config_override> parsed;
  for (const auto& text : texts) {
    auto next = parse_override(text);
    if (swept_value(next)) {
      if (kind == run_kind::sweep_base) continue;
      throw error(
          errc::invalid_argument,
          "override '" + text + "' is a sweep: add -m to run it, or write a list as key=[a,b] and a text as key='a,b'");
    }
    parsed.push_back(std::move(next));
  }
  return parsed;
}

// The body of a file below the keys of its package.
json::object embedded(json::object body, const std::string& package) {
  body.stable_erase("defaults");
  const node_path keys = split_path(package);
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    json::object outer;
    outer[*key] = std::move(body);
    body = std::move(outer);
  }
  return body;
}

}  // namespace

composition compose(const config_source& source, const std::string& config_name,
                    const std::vector<std::string>& overrides, const runtime_context& context, run_kind kind) {
  const auto parsed = parse_all(overrides, kind);
  const auto open = kind == run_kind::sweep_base ? open_choices::skipped : open_choices::refused;
  auto list = expand_defaults(source, config_name, parsed, open, context);
  json::value config = json::object();
  for (const auto& file : list.files) {
    try {
      merge_into(config, {}, embedded(source.load(file.path).value().body, file.package), new_keys::allowed, context);
    } catch (const error& failure) {
      throw error(failure.code(), "config '" + file.path + "': " + failure.what());
    }
  }
  for (const auto& next : parsed) {
    if (!targets_group(next, source)) apply_override(config, next, context);
  }
  require_well_formed(config);
  return {std::move(config.get_object()), std::move(list.choices)};
}

}  // namespace qgrain::hydra
