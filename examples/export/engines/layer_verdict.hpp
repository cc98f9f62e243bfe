// The rules of each engine for one layer of a folder.
#ifndef QGRAIN_EXPORT_ENGINES_LAYER_VERDICT_HPP
#define QGRAIN_EXPORT_ENGINES_LAYER_VERDICT_HPP

#include <export/engines/engine.hpp>
#include <string>
#include <vector>

namespace qgrain::exports {

struct planned_fact {
  target to;
  const model_linear& linear;
  const stored_format& format;
  bool is_mix = false;        ///< the folder has several formats
  bool has_own_type = false;  ///< scales are of the checkpoint's type, else float32
};

// Sentences, empty where there is nothing to say.

/// Why an engine does not read a kind of folder at all.
[[nodiscard]] std::string target_fault(serving_engine e, target to);
/// Why it would not load a layer, or read other values than those that are stored.
[[nodiscard]] std::string layer_fault(serving_engine e, const planned_fact& layer);
/// Where it runs the layer, or what it makes of it.
[[nodiscard]] std::vector<std::string> layer_notes(serving_engine e, const planned_fact& layer);

}  // namespace qgrain::exports

#endif
