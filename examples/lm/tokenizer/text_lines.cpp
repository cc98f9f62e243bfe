#include <common/file.hpp>
#include <lm/tokenizer/text_lines.hpp>

#include <qgrain/core/status.hpp>

#include <sstream>
#include <string>

namespace qgrain::lm {

std::vector<std::vector<std::int32_t>> encode_lines(const tokenizer& t, const std::filesystem::path& path) {
  const std::string content = common::read_text_file(path);
  common::require_text(path, content);
  std::istringstream lines(content);
  std::vector<std::vector<std::int32_t>> sequences;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    try {
      if (std::vector<std::int32_t> ids = t.encode(line); !ids.empty()) sequences.push_back(std::move(ids));
    } catch (const error& fault) {
      throw error(fault.code(), path.string() + ", line " + std::to_string(number) + ": " + fault.what());
    }
  }
  if (sequences.empty())
    throw error(errc::invalid_argument, path.string() + ": the file is empty: there are no tokens");
  return sequences;
}

}  // namespace qgrain::lm
