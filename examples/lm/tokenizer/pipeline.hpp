// A component of tokenizer.json as a list of steps, each chosen by its `type` field.
#ifndef QGRAIN_LM_TOKENIZER_PIPELINE_HPP
#define QGRAIN_LM_TOKENIZER_PIPELINE_HPP

#include <common/json.hpp>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::lm {

/// One step of a normalizer, pre-tokenizer or post-processor; a pure function, so that threads may share it.
template <class Value>
using step = std::function<Value(Value)>;

/// Steps in file order; no steps leave the value as it is.
template <class Value>
using pipeline = std::vector<step<Value>>;

template <class Value>
[[nodiscard]] Value run(const pipeline<Value>& steps, Value value) {
  for (const step<Value>& next : steps) value = next(std::move(value));
  return value;
}

/// A supported `type` and the function that makes its step. A further tokenizer family is a further row of such a
/// table.
template <class Value>
struct step_type {
  std::string_view name;
  step<Value> (*make)(const common::json_field& component);
};

/// Reads a component: null has no steps, a `Sequence` has those of its members (an array under `members_key`).
/// Throws `unsupported` with the list of types for any other.
template <class Value>
[[nodiscard]] pipeline<Value> read_pipeline(const common::json_field& component, std::string_view members_key,
                                            std::span<const step_type<Value>> types) {
  if (component.is_null()) return {};
  const common::json_field type = component.at("type");
  pipeline<Value> steps;
  if (type.string() == "Sequence") {
    for (const common::json_field& member : component.at(members_key).elements()) {
      for (step<Value>& inner : read_pipeline(member, members_key, types)) steps.push_back(std::move(inner));
    }
    return steps;
  }
  std::string supported = "Sequence";
  for (const step_type<Value>& known : types) {
    if (known.name == type.string()) return {known.make(component)};
    supported.append(", ").append(known.name);
  }
  type.fail(errc::unsupported, "is \"" + std::string(type.string()) + "\"; supported are " + supported);
}

}  // namespace qgrain::lm

#endif
