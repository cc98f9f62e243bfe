// Calibration texts: one caption per line.
#ifndef QGRAIN_SWEEP_SETTINGS_CAPTIONS_HPP
#define QGRAIN_SWEEP_SETTINGS_CAPTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

/// The lines of `text` without blanks at their ends; empty ones are dropped.
[[nodiscard]] std::vector<std::string> caption_lines(std::string_view text);

/// The line, from 1 on, that caption number `place` (from 0 on) of `text` stands on.
[[nodiscard]] std::size_t line_of_caption(std::string_view text, std::size_t place);

/// The first `count` captions of a file, in file order. Throws errc::invalid_argument for a count below 1,
/// errc::io_failure where the file cannot be read, errc::bad_file where it has no caption or fewer than `count` (both
/// numbers named).
[[nodiscard]] std::vector<std::string> read_captions(const std::filesystem::path& path, std::int64_t count);

}  // namespace qgrain::sweep

#endif
