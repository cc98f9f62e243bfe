#include <lm/gguf/gguf_file.hpp>
#include <lm/safetensors.hpp>
#include <sweep/run/sequences.hpp>
#include <sweep/settings/dataset_texts.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <filesystem>
#include <string>

namespace qgrain::sweep {
namespace {

// "captions.txt, line 3 (caption 2)"
std::string place_of(const pass_settings& pass, std::size_t line, std::size_t number) {
  const char* const noun = pass.format == dataset_format::lines ? " (caption " : " (text ";
  return pass.captions.string() + ", line " + std::to_string(line) + noun + std::to_string(number + 1) + ")";
}

std::vector<lm::token_ids> encoded_texts(const pass_settings& pass, const lm::tokenizer& tokenizer) {
  std::vector<lm::token_ids> sequences;
  for (const dataset_text& entry : read_dataset_texts(pass.captions, pass.format, pass.field, pass.samples)) {
    const std::string place = place_of(pass, entry.line, sequences.size());
    try {
      sequences.push_back(tokenizer.encode(entry.text));
    } catch (const error& fault) {
      throw error(fault.code(), place + ": " + fault.what());
    }
    if (sequences.back().empty()) throw error(errc::bad_file, place + " has no tokens");
  }
  return sequences;
}

std::vector<lm::token_ids> cut(const lm::token_ids& ids, std::int64_t length) {
  const auto size = static_cast<std::size_t>(length);
  std::vector<lm::token_ids> sequences;
  for (std::size_t begin = 0; begin + size <= ids.size(); begin += size) {
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(begin);
    sequences.emplace_back(first, first + length);
  }
  if (sequences.empty() && !ids.empty()) sequences.push_back(ids);
  return sequences;
}

std::vector<lm::token_ids> packed_text(const pass_settings& pass, const lm::tokenizer& tokenizer) {
  const std::string text = read_dataset_file(pass.captions);
  try {
    return cut(tokenizer.encode(text), pass.sequence_length);
  } catch (const error& fault) {
    throw error(fault.code(), pass.captions.string() + ": " + fault.what());
  }
}

std::vector<lm::token_ids> stored_ids(const pass_settings& pass) {
  const lm::safetensors_file file(pass.captions);
  const lm::tensor_info& tensor = file.at(pass.field);
  if (tensor.shape.empty() || tensor.shape.size() > 2) {
    throw error(errc::bad_file, file.path() + ": tensor \"" + tensor.name + "\" has shape " +
                                    lm::shape_text(tensor.shape) + ", where [tokens] or [sequences, tokens] is needed");
  }
  lm::token_ids ids(static_cast<std::size_t>(tensor.elements()));
  file.read_i32(tensor, 0, ids);
  return cut(ids, tensor.shape.size() == 1 ? pass.sequence_length : std::max<std::int64_t>(tensor.shape[1], 1));
}

}  // namespace

std::optional<lm::tokenizer> tokenizer_of(const pass_settings& pass) {
  const bool is_needed = pass.format != dataset_format::token_ids;
  if (!is_needed && !lm::is_gguf(pass.model) && !std::filesystem::exists(pass.model / "tokenizer.json"))
    return std::nullopt;
  return lm::tokenizer::of_model(pass.model);
}

std::vector<lm::token_ids> read_sequences(const pass_settings& pass, const std::optional<lm::tokenizer>& tokenizer) {
  const bool has_texts = pass.format == dataset_format::lines || pass.format == dataset_format::json_lines;
  if (has_texts) return encoded_texts(pass, tokenizer.value());
  std::vector<lm::token_ids> sequences =
      pass.format == dataset_format::packed_text ? packed_text(pass, tokenizer.value()) : stored_ids(pass);
  if (sequences.empty()) throw error(errc::bad_file, pass.captions.string() + " has no tokens");
  if (pass.samples) {
    require_samples(pass.captions, sequences.size(), *pass.samples,
                    "sequences of " + std::to_string(sequences.front().size()) + " tokens");
    sequences.resize(static_cast<std::size_t>(*pass.samples));
  }
  return sequences;
}

}  // namespace qgrain::sweep
