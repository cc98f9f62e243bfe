#include <common/file.hpp>
#include <sweep/settings/captions.hpp>

#include <qgrain/core/status.hpp>

namespace qgrain::sweep {

std::vector<std::string> caption_lines(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\f\v";
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (const auto first = line.find_first_not_of(blanks); first != std::string_view::npos) {
      lines.emplace_back(line.substr(first, line.find_last_not_of(blanks) - first + 1));
    }
  }
  return lines;
}

std::vector<std::string> read_captions(const std::filesystem::path& path, std::int64_t count) {
  if (count < 1) {
    throw error(errc::invalid_argument,
                "at least 1 caption is needed, but " + std::to_string(count) + " are asked for");
  }
  auto lines = caption_lines(common::read_text_file(path));
  if (lines.empty()) throw error(errc::bad_file, path.string() + " has no captions: every line is empty");
  if (lines.size() < static_cast<std::uint64_t>(count)) {
    throw error(errc::bad_file, path.string() + " has " + std::to_string(lines.size()) + " captions, but " +
                                    std::to_string(count) +
                                    " are asked for; set dataset.max_calib_samples or dataset.size");
  }
  lines.resize(static_cast<std::size_t>(count));
  return lines;
}

}  // namespace qgrain::sweep
