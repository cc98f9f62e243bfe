#include <common/file.hpp>
#include <lm/tokenizer/text_lines.hpp>

#include <qgrain/core/status.hpp>

#include <sstream>

namespace qgrain::lm {

std::vector<std::vector<std::int32_t>> encode_lines(const tokenizer& t, const std::filesystem::path& path) {
  std::istringstream lines(common::read_text_file(path));
  std::vector<std::vector<std::int32_t>> sequences;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (std::vector<std::int32_t> ids = t.encode(line); !ids.empty()) sequences.push_back(std::move(ids));
  }
  if (sequences.empty())
    throw error(errc::invalid_argument, path.string() + ": the file is empty: there are no tokens");
  return sequences;
}

}  // namespace qgrain::lm
