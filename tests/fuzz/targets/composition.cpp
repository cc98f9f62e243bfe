// {"files": {path: body}, "overrides": [text, ...]}: composed and resolved.
#include <common/json.hpp>
#include <hydra/composer.hpp>
#include <hydra/interpolation.hpp>

#include <fuzz/fuzz.hpp>

namespace composition_target {

using namespace qgrain;

hydra::memory_source source_of(const boost::json::value& root) {
  std::map<std::string, hydra::config_file> files;
  const boost::json::object* bodies =
      root.is_object()
          ? root.get_object().if_contains("files") != nullptr ? root.get_object().at("files").if_object() : nullptr
          : nullptr;
  if (bodies == nullptr) return hydra::memory_source(files);
  for (const auto& [path, body] : *bodies) {
    if (!body.is_object()) continue;
    hydra::config_file file{std::nullopt, body.get_object()};
    if (const auto* package = file.body.if_contains("@package"); package != nullptr && package->is_string())
      file.package = std::string(package->get_string());
    file.body.erase("@package");
    files.emplace(path, std::move(file));
  }
  return hydra::memory_source(files);
}

void run(fuzz::bytes input) {
  fuzz::may_refuse([&] {
    const boost::json::value root = common::parse_json(fuzz::text_of(input), "input");
    const hydra::memory_source source = source_of(root);
    std::vector<std::string> overrides;
    const auto* list = root.is_object() ? root.get_object().if_contains("overrides") : nullptr;
    if (list != nullptr && list->is_array()) {
      for (const auto& entry : list->get_array()) {
        if (entry.is_string()) overrides.emplace_back(entry.get_string());
      }
    }
    const hydra::runtime_context context{[](const std::string&) { return std::optional<std::string>(); }, {}};
    fuzz::may_refuse([&] { (void)hydra::compose(source, "config", overrides, context, hydra::run_kind::sweep_base); });
    const hydra::composition composed = hydra::compose(source, "config", overrides, context);
    (void)hydra::resolve(composed.config, context);
  });
}

const fuzz::target registered("composition", run);

}  // namespace composition_target
