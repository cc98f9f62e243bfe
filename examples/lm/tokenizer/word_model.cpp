#include <lm/tokenizer/bpe.hpp>
#include <lm/tokenizer/decoder.hpp>
#include <lm/tokenizer/unigram.hpp>
#include <lm/tokenizer/word_model.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace qgrain::lm {
namespace {

// What is worth remembering, and how much of it: a text of random words must not fill the memory.
constexpr std::size_t longest_remembered = 48;
constexpr std::size_t most_remembered = 1U << 17U;

}  // namespace

void word_model::encode(const pieces& words, std::vector<std::int32_t>& ids) const {
  std::unordered_map<std::string_view, std::pair<std::size_t, std::size_t>> seen;  // where in `ids` a part's lie
  const auto append = [&](std::string_view part) {
    if (const auto found = seen.find(part); found != seen.end()) {
      const auto [begin, count] = found->second;
      for (std::size_t i = begin; i < begin + count; ++i) ids.push_back(ids[i]);
      return;
    }
    const std::size_t begin = ids.size();
    encode_part(part, ids);
    if (part.size() <= longest_remembered && seen.size() < most_remembered)
      seen.emplace(part, std::pair(begin, ids.size() - begin));
  };
  for (const piece& word : words) for_each_part(word.text, append);
}

std::unique_ptr<const word_model> read_word_model(const common::json_field& model) {
  struct model_type {
    std::string_view name;
    std::unique_ptr<const word_model> (*read)(const common::json_field& model);
  };
  static constexpr model_type types[] = {{"BPE", read_bpe}, {"Unigram", read_unigram}, {"ScoredBPE", read_scored_bpe}};
  const common::json_field type = model.at("type");
  const auto found =
      std::find_if(std::begin(types), std::end(types), [&](const model_type& t) { return t.name == type.string(); });
  if (found == std::end(types))
    type.fail(errc::unsupported, "is \"" + std::string(type.string()) + "\"; supported are BPE, Unigram");
  return found->read(model);
}

byte_ids byte_ids_of(const vocabulary& tokens) {
  byte_ids ids{};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const auto found = tokens.find(byte_token(static_cast<unsigned char>(byte)));
    ids[byte] = found == tokens.end() ? -1 : found->second;
  }
  return ids;
}

bool append_bytes(std::string_view text, const byte_ids& bytes, std::vector<std::int32_t>& ids) {
  const auto id_of = [&](char c) { return bytes[static_cast<unsigned char>(c)]; };
  if (std::any_of(text.begin(), text.end(), [&](char c) { return id_of(c) < 0; })) return false;
  std::transform(text.begin(), text.end(), std::back_inserter(ids), id_of);
  return true;
}

}  // namespace qgrain::lm
