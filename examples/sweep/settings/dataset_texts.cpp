#include <common/file.hpp>
#include <common/json.hpp>
#include <sweep/settings/dataset_texts.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr std::array<std::string_view, 4> format_names{"lines", "json_lines", "packed_text", "token_ids"};

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\f\v\n";
  const auto first = line.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view()
                                         : line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

}  // namespace

std::string_view name_of(dataset_format format) noexcept { return format_names[static_cast<std::size_t>(format)]; }

dataset_format dataset_format_from(std::string_view name) {
  const auto found = std::find(format_names.begin(), format_names.end(), name);
  if (found == format_names.end()) {
    throw error(errc::unknown_name, "dataset.format: no format is called " + std::string(name) + "; there are " +
                                        join_names(std::vector<std::string>(format_names.begin(), format_names.end())));
  }
  return static_cast<dataset_format>(found - format_names.begin());
}

std::string_view usual_field_of(dataset_format format) noexcept {
  return format == dataset_format::token_ids ? "ids" : "text";
}

std::vector<dataset_text> lines_of(std::string_view content) {
  std::vector<dataset_text> texts;
  for (std::size_t number = 1; !content.empty(); ++number) {
    const auto end = content.find('\n');
    const std::string_view line = trimmed(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (!line.empty()) texts.push_back({std::string(line), number});
  }
  return texts;
}

std::vector<dataset_text> json_lines_of(std::string_view content, const std::string& name, std::string_view field) {
  std::vector<dataset_text> texts = lines_of(content);
  for (dataset_text& entry : texts) {
    const std::string place = name + ", line " + std::to_string(entry.line);
    const common::json_document document{place, common::parse_json(entry.text, place)};
    entry.text = common::json_field(document).at(field).string();
  }
  std::erase_if(texts, [](const dataset_text& entry) { return trimmed(entry.text).empty(); });
  return texts;
}

std::string read_dataset_file(const std::filesystem::path& path) {
  std::string content = common::read_text_file(path);
  if (content.empty()) throw error(errc::bad_file, path.string() + ": the file is empty");
  common::require_text(path, content);
  return content;
}

std::vector<dataset_text> read_dataset_texts(const std::filesystem::path& path, dataset_format format,
                                             std::string_view field, std::optional<std::int64_t> count) {
  const std::string content = read_dataset_file(path);
  const bool has_lines = format == dataset_format::lines;
  std::vector<dataset_text> texts = has_lines ? lines_of(content) : json_lines_of(content, path.string(), field);
  const std::string noun = has_lines ? "captions" : "texts";
  if (texts.empty()) throw error(errc::bad_file, path.string() + " has no " + noun + ": every line is empty");
  if (count) {
    require_samples(path, texts.size(), *count, noun);
    texts.resize(static_cast<std::size_t>(*count));
  }
  return texts;
}

void require_samples(const std::filesystem::path& path, std::size_t found, std::int64_t count, std::string_view noun) {
  if (count < 1) {
    throw error(errc::invalid_argument,
                "dataset.max_calib_samples must be at least 1, but " + std::to_string(count) + " are asked for");
  }
  if (found < static_cast<std::uint64_t>(count)) {
    throw error(errc::bad_file, path.string() + " has " + std::to_string(found) + " " + std::string(noun) + ", but " +
                                    std::to_string(count) +
                                    " are asked for; set dataset.max_calib_samples or dataset.size");
  }
}

}  // namespace qgrain::sweep
