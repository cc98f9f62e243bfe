// The lines of a text file as token ids.
#ifndef QGRAIN_LM_TOKENIZER_TEXT_LINES_HPP
#define QGRAIN_LM_TOKENIZER_TEXT_LINES_HPP

#include <lm/tokenizer.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace qgrain::lm {

/// A sequence for each line that has tokens; lines end with "\n" or "\r\n".
/// @throws error errc::invalid_argument for a file without tokens, errc::bad_file for one that is no text, naming the
/// line where it is one that cannot be coded; errc::io_failure
[[nodiscard]] std::vector<std::vector<std::int32_t>> encode_lines(const tokenizer& t,
                                                                  const std::filesystem::path& path);

}  // namespace qgrain::lm

#endif
