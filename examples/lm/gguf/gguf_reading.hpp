// Numbers among a GGUF file's keys, as JSON has them.
#ifndef QGRAIN_LM_GGUF_GGUF_READING_HPP
#define QGRAIN_LM_GGUF_GGUF_READING_HPP

#include <lm/gguf/gguf_file.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json/value.hpp>

#include <optional>
#include <string>

namespace qgrain::lm {

/// Throws "FILE: KEY WHAT".
[[noreturn]] void refuse_key(const gguf_file& file, errc code, const std::string& key, const std::string& what);

/// The single number of a key; nothing where the key is missing. Throws `bad_file` for another kind, `unsupported` for
/// an array.
[[nodiscard]] std::optional<boost::json::value> number_at(const gguf_file& file, const std::string& key);

/// The same for a key that must be there.
[[nodiscard]] boost::json::value required_number(const gguf_file& file, const std::string& key);

}  // namespace qgrain::lm

#endif
