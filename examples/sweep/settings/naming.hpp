// Names and folders of results. Empty text counts as "no override" everywhere.
#ifndef QGRAIN_SWEEP_SETTINGS_NAMING_HPP
#define QGRAIN_SWEEP_SETTINGS_NAMING_HPP

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace qgrain::sweep {

/// `chosen`, or "<pair>_autoquant_lm".
[[nodiscard]] std::string scheme_name(std::string_view pair, std::string_view chosen = {});

/// `chosen`, or "weight-<weight>-act-<activation>".
[[nodiscard]] std::string pair_dir(std::string_view weight, std::string_view activation, std::string_view chosen = {});

/// `chosen`, or "<model>_autoquant_<pair>_lm_<size>".
[[nodiscard]] std::string run_dir(std::string_view model, std::string_view pair, std::string_view size,
                                  std::string_view chosen = {});

[[nodiscard]] std::string manifest_name(std::string_view scheme);

/// "2025-01-02_03-04-05".
[[nodiscard]] std::string time_text(const std::tm& time);

/// Batches to score: score_size / batch_size rounded down, at least 1 and at most `batches`; numbers below 1 count
/// as 1.
[[nodiscard]] std::int64_t num_score_steps(std::int64_t score_size, std::int64_t batch_size,
                                           std::int64_t batches) noexcept;

/// One more folder for the keys that a multirun sweeps besides pair, granularity and size: "a.b=1,c=x". Characters that
/// a file name does not take everywhere are written %XX, so different values stay different; names beyond 200 bytes are
/// cut and end in a hash of the whole. Empty where nothing else is swept.
[[nodiscard]] std::string swept_dir(std::span<const std::pair<std::string, std::string>> swept);

/// Throws errc::invalid_argument naming the key where `name` cannot be that of a folder or file of results, which would
/// lie elsewhere, or nowhere: it is empty, "." or "..", longer than 200 bytes, that of a run's state (".sweep"), or
/// holds a slash or a control character.
void check_component(std::string_view key, std::string_view name);

/// The same for each part between slashes: a name that may lead several folders down.
void check_components(std::string_view key, std::string_view names);

/// Throws errc::invalid_argument naming the path where two jobs would write to the same folder.
void check_distinct(std::span<const std::filesystem::path> folders);

}  // namespace qgrain::sweep

#endif
