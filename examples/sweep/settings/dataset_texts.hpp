// How a data set's file is read, and the texts of those that have one a line.
#ifndef QGRAIN_SWEEP_SETTINGS_DATASET_TEXTS_HPP
#define QGRAIN_SWEEP_SETTINGS_DATASET_TEXTS_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

/// dataset.format: one text a line; one JSON object a line, the text under a key; a text as a whole, its tokens cut
/// into sequences of one length; token ids of a safetensors file.
enum class dataset_format : std::uint8_t { lines, json_lines, packed_text, token_ids };

[[nodiscard]] std::string_view name_of(dataset_format format) noexcept;
/// Throws errc::unknown_name with those known.
[[nodiscard]] dataset_format dataset_format_from(std::string_view name);
/// dataset.field where nothing is said: the key or the tensor.
[[nodiscard]] std::string_view usual_field_of(dataset_format format) noexcept;

/// A text and the line, from 1 on, that it stands on.
struct dataset_text {
  std::string text;
  std::size_t line = 0;

  friend bool operator==(const dataset_text&, const dataset_text&) = default;
};

/// The lines of `content` without blanks at their ends; empty ones are dropped.
[[nodiscard]] std::vector<dataset_text> lines_of(std::string_view content);

/// The texts under `field` of the objects on the lines of `content`, as they are; empty lines, and texts of blanks
/// alone, are dropped. Throws errc::bad_file, naming `name` and the line, for what is no object with such a text.
[[nodiscard]] std::vector<dataset_text> json_lines_of(std::string_view content, const std::string& name,
                                                      std::string_view field);

/// The whole of a text file. Throws errc::io_failure where it cannot be read, errc::bad_file where it is empty or holds
/// a byte of 0, which no text does.
[[nodiscard]] std::string read_dataset_file(const std::filesystem::path& path);

/// The first `count` texts of a file of `lines` or `json_lines`, in file order; all where no count is given. Throws
/// what `read_dataset_file` does, errc::bad_file where there is no text or fewer than `count`.
[[nodiscard]] std::vector<dataset_text> read_dataset_texts(const std::filesystem::path& path, dataset_format format,
                                                           std::string_view field, std::optional<std::int64_t> count);

/// Throws errc::invalid_argument for a `count` below 1, errc::bad_file where fewer are `found` (both numbers named).
/// `noun` in the plural says of what.
void require_samples(const std::filesystem::path& path, std::size_t found, std::int64_t count, std::string_view noun);

}  // namespace qgrain::sweep

#endif
