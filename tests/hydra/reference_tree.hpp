// The configuration files and the environment that the composition cases were run with.
#ifndef QGRAIN_TESTS_HYDRA_REFERENCE_TREE_HPP
#define QGRAIN_TESTS_HYDRA_REFERENCE_TREE_HPP

#include <hydra/config_source.hpp>
#include <hydra/reference_cases.hpp>
#include <hydra/runtime_context.hpp>

#include <map>
#include <optional>
#include <string>

namespace qgrain::test {

/// The files of a stored tree: path -> {package, body}.
inline hydra::memory_source source_of_tree(const json::object& tree) {
  std::map<std::string, hydra::config_file> files;
  for (const auto& entry : tree) {
    const auto& file = entry.value().as_object();
    auto& target = files[std::string(entry.key())];
    if (file.at("package").is_string()) target.package = std::string(file.at("package").as_string());
    target.body = file.at("body").as_object();
  }
  return hydra::memory_source(files);
}

/// The variables of the case's `env`, no others; 2025-01-02 03:04:05.
inline hydra::runtime_context context_of(const json::object& item) {
  std::map<std::string, std::string> variables;
  if (const auto* stored = item.if_contains("env")) {
    for (const auto& entry : stored->as_object())
      variables[std::string(entry.key())] = std::string(entry.value().as_string());
  }
  hydra::runtime_context context;
  context.environment = [variables](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  context.now.tm_year = 125;
  context.now.tm_mday = 2;
  context.now.tm_hour = 3;
  context.now.tm_min = 4;
  context.now.tm_sec = 5;
  return context;
}

}  // namespace qgrain::test

#endif
