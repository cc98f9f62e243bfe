#include <lm/tokenizer/byte_trie.hpp>
#include <lm/tokenizer/token_id.hpp>
#include <lm/tokenizer/unigram.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <algorithm>
#include <limits>
#include <memory>

namespace qgrain::lm {
namespace {

constexpr double unknown_penalty = 10;

class unigram_model final : public word_model {
 public:
  explicit unigram_model(const common::json_field& model);

  [[nodiscard]] const vocabulary& tokens() const noexcept override { return tokens_; }

 private:
  void encode_part(std::string_view word, std::vector<std::int32_t>& ids) const override;
  static constexpr std::int32_t unknown = -1;
  struct path_end {
    double score = -std::numeric_limits<double>::infinity();
    std::size_t begin = 0;  // of the last piece
    std::int32_t id = unknown;
    bool is_reached = false;
  };
  [[nodiscard]] std::vector<path_end> best_paths(std::string_view word) const;
  void append_unknown(std::string_view characters, std::vector<std::int32_t>& ids) const;

  vocabulary tokens_;
  std::vector<double> scores_;
  byte_trie pieces_;
  double unknown_score_ = 0;
  std::optional<std::int32_t> unknown_id_;
  std::optional<byte_ids> bytes_;
};

unigram_model::unigram_model(const common::json_field& model) {
  std::vector<std::pair<std::string, std::int32_t>> entries;
  const common::json_field vocab = model.at("vocab");
  for (const common::json_field& entry : vocab.elements()) {
    const std::vector<common::json_field> pair = entry.elements();
    if (pair.size() != 2) entry.must_be("a piece and its score");
    const auto id = static_cast<std::int32_t>(scores_.size());
    if (!tokens_.emplace(pair[0].string(), id).second) {
      entry.fail(errc::bad_file, "is the piece \"" + std::string(pair[0].string()) + "\", which an earlier entry has");
    }
    entries.emplace_back(pair[0].string(), id);
    scores_.push_back(pair[1].number());
  }
  if (scores_.empty()) vocab.fail(errc::bad_file, "holds no token");
  unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - unknown_penalty;
  if (const auto id = model.find("unk_id")) {
    unknown_id_ = token_id(*id);
    if (static_cast<std::size_t>(*unknown_id_) >= scores_.size()) id->must_be("the place of a piece in model.vocab");
  }
  if (model.flag("byte_fallback")) bytes_ = byte_ids_of(tokens_);
  pieces_ = byte_trie(std::move(entries));
}

// The best way to each byte offset of the word at which a piece can end.
std::vector<unigram_model::path_end> unigram_model::best_paths(std::string_view word) const {
  std::vector<path_end> ends(word.size() + 1);
  ends[0].score = 0;
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t next = begin;
    next_code_point(word, next);
    const double before = ends[begin].score;
    bool has_own_piece = false;
    const auto offer = [&](std::size_t end, double score, std::int32_t id) {
      path_end& target = ends[end];
      if (!target.is_reached || score > target.score) target = {score, begin, id, true};
    };
    pieces_.for_each_prefix(word.substr(begin), [&](std::size_t size, std::int32_t id) {
      offer(begin + size, before + scores_[static_cast<std::size_t>(id)], id);
      has_own_piece = has_own_piece || begin + size == next;
    });
    if (!has_own_piece) offer(next, before + unknown_score_, unknown);
    begin = next;
  }
  return ends;
}

void unigram_model::encode_part(std::string_view word, std::vector<std::int32_t>& ids) const {
  const std::vector<path_end> ends = best_paths(word);
  std::vector<std::size_t> path;  // ends of pieces, from the last
  for (std::size_t end = word.size(); end > 0; end = ends[end].begin) path.push_back(end);
  std::size_t unknown_begin = word.size();
  const auto flush = [&](std::size_t end) {
    if (unknown_begin < end) append_unknown(word.substr(unknown_begin, end - unknown_begin), ids);
    unknown_begin = word.size();
  };
  for (auto end = path.rbegin(); end != path.rend(); ++end) {
    const path_end& last = ends[*end];
    if (last.id == unknown) {
      unknown_begin = std::min(unknown_begin, last.begin);
      continue;
    }
    flush(last.begin);
    ids.push_back(last.id);
  }
  flush(word.size());
}

void unigram_model::append_unknown(std::string_view characters, std::vector<std::int32_t>& ids) const {
  if (bytes_ && append_bytes(characters, *bytes_, ids)) return;
  if (!unknown_id_) {
    throw error(errc::invalid_argument,
                "the tokenizer has neither a token for \"" + std::string(characters) + "\" nor an unknown token");
  }
  ids.push_back(*unknown_id_);
}

}  // namespace

std::unique_ptr<const word_model> read_unigram(const common::json_field& model) {
  return std::make_unique<const unigram_model>(model);
}

}  // namespace qgrain::lm
