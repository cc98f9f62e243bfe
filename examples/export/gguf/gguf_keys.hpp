// The keys of a GGUF file, from config.json and the tokenizer's files of a model folder.
#ifndef QGRAIN_EXPORT_GGUF_GGUF_KEYS_HPP
#define QGRAIN_EXPORT_GGUF_GGUF_KEYS_HPP

#include <lm/gguf/gguf_value.hpp>
#include <lm/model.hpp>

#include <export/gguf/gguf_plan.hpp>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace qgrain::exports {

/// Keys in the order in which llama.cpp's converter writes them, or those of the GGUF file that is exported;
/// "general.file_type" is that of the type that most bytes of `tensors` have.
/// @throws error errc::bad_file and errc::unsupported, naming file and key, for a tokenizer that is no byte-level BPE
/// with merges or whose pre-tokenizer llama.cpp has no name for
[[nodiscard]] lm::gguf_keys gguf_keys_of(const lm::model& model, std::span<const gguf_tensor_source> tensors,
                                         const gguf_settings& settings);

struct gguf_tokenizer {
  lm::gguf_keys keys;
  std::vector<std::string> notes;  ///< what a user should know
};

/// The part that begins with "tokenizer."; `vocabulary`: rows of the embedding, as many as there are tokens then.
/// Without a tokenizer.json the model "none", which loads but has no text.
[[nodiscard]] gguf_tokenizer gguf_tokenizer_keys(const std::filesystem::path& folder, const std::string& family,
                                                 std::int64_t vocabulary);

}  // namespace qgrain::exports

#endif
