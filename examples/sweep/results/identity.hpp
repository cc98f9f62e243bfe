// What a result was made from: only equal identities make a finished job this one's, or scores comparable.
#ifndef QGRAIN_SWEEP_RESULTS_IDENTITY_HPP
#define QGRAIN_SWEEP_RESULTS_IDENTITY_HPP

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// Raised with every change that gives other numbers for the same input (docs/versions.md).
inline constexpr int numerics_version = 3;

/// The key of a manifest and of linear-scores.json that holds the identity: a mapping of parts to XXH64 hashes.
///   weights        names, types, shapes and bytes of the checkpoint's tensors, however they are spread over files
///   model_config   config.json, or what a GGUF file's keys say instead
///   tokenizer      tokenizer.json and tokenizer_config.json, or those keys
///   texts          token ids, cut, padded and in batches
///   configuration  the composed one, but for what changes no result (differing_keys, output_folder.hpp)
///   formats        what it stands for: quantizers and recipes of every format, or the list of recipes
///   latency_table  its file, where one is named
///   numerics       numerics_version
/// The first four and `numerics` are those of the scores.
inline constexpr std::string_view identity_key = "identity";

/// The hash of a composed configuration.
[[nodiscard]] std::string configuration_hash(const json::object& config);

/// The parts that the scores of a pass depend on, whatever job they are for.
[[nodiscard]] json::object scores_identity(const json::object& identity);

/// The identity that a result holds; empty where it was written by a version without one.
[[nodiscard]] json::object identity_in(const json::object& result);

/// "the texts (<hash> there, <hash> here)" for each part in which two identities differ.
[[nodiscard]] std::vector<std::string> differing_parts(const json::object& there, const json::object& here);

/// A sentence that a result at `where` has another identity than `here`; empty where it has the same.
[[nodiscard]] std::string identity_fault(std::string_view where, const json::object& there, const json::object& here);

}  // namespace qgrain::sweep

#endif
