#include <common/file.hpp>
#include <sweep/settings/captions.hpp>

#include <qgrain/core/status.hpp>

namespace qgrain::sweep {

namespace {

// Calls visit(caption, number of its line) for each.
template <class Visit>
void for_each_caption(std::string_view text, const Visit& visit) {
  constexpr std::string_view blanks = " \t\r\f\v";
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (const auto first = line.find_first_not_of(blanks); first != std::string_view::npos)
      visit(line.substr(first, line.find_last_not_of(blanks) - first + 1), number);
  }
}

}  // namespace

std::vector<std::string> caption_lines(std::string_view text) {
  std::vector<std::string> lines;
  for_each_caption(text, [&](std::string_view caption, std::size_t) { lines.emplace_back(caption); });
  return lines;
}

std::size_t line_of_caption(std::string_view text, std::size_t place) {
  std::size_t found = 0;
  std::size_t seen = 0;
  for_each_caption(text, [&](std::string_view, std::size_t line) {
    if (seen++ == place) found = line;
  });
  return found;
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
