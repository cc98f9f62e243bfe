// Laying one mapping over another.
#ifndef QGRAIN_HYDRA_MERGE_HPP
#define QGRAIN_HYDRA_MERGE_HPP

#include <hydra/node_path.hpp>
#include <hydra/runtime_context.hpp>

namespace qgrain::hydra {

enum class new_keys : bool { refused, allowed };

/// Merges `source` into the mapping at `place` of `root`, by the rules of OmegaConf 2.3: mappings key by key,
/// everything else replaces what was there; ??? replaces nothing that is there; an interpolation of a mapping or list
/// becomes a copy before something is merged into it. Old keys keep their order, new ones come last. Throws
/// errc::unknown_name for a new key that is refused (with the nearest names) and errc::invalid_argument for a list
/// where a mapping is, or the reverse.
void merge_into(json::value& root, const node_path& place, const json::object& source, new_keys policy,
                const runtime_context& context);

/// Replaces the list or mapping at `place` by `value` or merges it: what an assignment of a list or dictionary does.
void merge_container(json::value& root, const node_path& place, const json::value& value, new_keys policy,
                     const runtime_context& context);

}  // namespace qgrain::hydra

#endif
