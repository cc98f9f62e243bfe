#include <lm/tokenizer/bpe.hpp>
#include <lm/tokenizer/character_neighbours.hpp>
#include <lm/tokenizer/token_id.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <queue>

namespace qgrain::lm {
namespace {

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint64_t>(right);
}

void require_inactive(const common::json_field& model) {
  constexpr std::string_view predicate =
      "is not supported; the BPE options supported are unk_token, fuse_unk, byte_fallback and ignore_merges";
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0) {
    dropout->fail(errc::unsupported, predicate);
  }
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto affix = model.find(key); affix && !affix->string().empty()) {
      affix->fail(errc::unsupported, predicate);
    }
  }
}

vocabulary read_vocabulary(const common::json_field& vocab) {
  vocabulary tokens;
  std::unordered_map<std::int32_t, std::string_view> holders;
  for (const auto& [token, field] : vocab.members()) {
    const std::int32_t id = token_id(field);
    const auto [holder, is_new] = holders.try_emplace(id, token);
    if (!is_new) {
      field.fail(errc::bad_file,
                 "is " + std::to_string(id) + ", which \"" + std::string(holder->second) + "\" has already");
    }
    tokens.emplace(token, id);
  }
  if (tokens.empty()) vocab.fail(errc::bad_file, "holds no token");
  return tokens;
}

/// The two parts of a merge, written as a pair or, in older files, as one string with a space between.
std::pair<std::string, std::string> read_merge(const common::json_field& entry) {
  constexpr std::string_view wanted = "two tokens: a pair of strings, or one string with one space between";
  if (entry.is_string()) {
    const std::string_view text = entry.string();
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      entry.must_be(wanted);
    }
    return {std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
  }
  const std::vector<common::json_field> sides = entry.elements();
  if (sides.size() != 2) entry.must_be(wanted);
  return {std::string(sides[0].string()), std::string(sides[1].string())};
}

struct merge {
  std::int32_t rank;  // the smallest goes first
  std::int32_t result;
};

class bpe_model final : public word_model {
 public:
  /// Without merges.
  explicit bpe_model(const common::json_field& model);

  void add_merge(const common::json_field& entry, std::int32_t rank);
  void add_merges_by_score(const common::json_field& scores);

  [[nodiscard]] const vocabulary& tokens() const noexcept override { return tokens_; }
  [[nodiscard]] const merge* find_merge(std::int32_t left, std::int32_t right) const;

 private:
  void for_each_part(std::string_view word, const part_visitor& visit) const override;
  void encode_part(std::string_view part, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] std::vector<std::int32_t> character_ids(std::string_view word) const;

  vocabulary tokens_;
  std::unordered_map<std::uint64_t, merge> merges_;  // by pair_key
  character_neighbours neighbours_;
  std::optional<std::int32_t> unknown_;
  std::optional<byte_ids> bytes_;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;  // a word that is itself a token is not built from merges
};

bpe_model::bpe_model(const common::json_field& model)
    : tokens_(read_vocabulary(model.at("vocab"))),
      fuse_unknown_(model.flag("fuse_unk")),
      ignore_merges_(model.flag("ignore_merges")) {
  for (const auto& [token, id] : tokens_) neighbours_.add_token(token);
  if (const auto unknown = model.find("unk_token")) {
    // Files exist that name a token outside the vocabulary, which byte-level words never need.
    const auto token = tokens_.find(unknown->string());
    if (token != tokens_.end()) unknown_ = token->second;
  }
  if (model.flag("byte_fallback")) bytes_ = byte_ids_of(tokens_);
}

void bpe_model::add_merge(const common::json_field& entry, std::int32_t rank) {
  const auto [left, right] = read_merge(entry);
  const auto id = [&](const std::string& token) {
    const auto found = tokens_.find(token);
    if (found == tokens_.end()) {
      entry.fail(errc::bad_file, "needs the token \"" + token + "\", which model.vocab lacks");
    }
    return found->second;
  };
  const std::uint64_t key = pair_key(id(left), id(right));
  merges_.insert_or_assign(key, merge{rank, id(left + right)});
}

void bpe_model::add_merges_by_score(const common::json_field& scores) {
  std::vector<double> values;
  for (const common::json_field& score : scores.elements()) values.push_back(score.number());
  std::vector<double> falling = values;
  std::sort(falling.begin(), falling.end(), std::greater<>());
  for (const auto& [token, id] : tokens_) {
    if (static_cast<std::size_t>(id) >= values.size()) {
      scores.fail(errc::bad_file, "has " + std::to_string(values.size()) + " numbers, but model.vocab has the id " +
                                      std::to_string(id));
    }
    const auto place =
        std::lower_bound(falling.begin(), falling.end(), values[static_cast<std::size_t>(id)], std::greater<>());
    const auto rank = static_cast<std::int32_t>(place - falling.begin());
    for (std::size_t cut = 0; next_code_point(token, cut), cut < token.size();) {
      const auto left = tokens_.find(std::string_view(token).substr(0, cut));
      const auto right = tokens_.find(std::string_view(token).substr(cut));
      if (left != tokens_.end() && right != tokens_.end())
        merges_.emplace(pair_key(left->second, right->second), merge{rank, id});
    }
  }
}

const merge* bpe_model::find_merge(std::int32_t left, std::int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

/// A doubly linked list of symbols over a fixed array, and a heap of the merges that its neighbours allow. A merge
/// changes its left symbol and unlinks the right one; heap entries that a later merge has outdated are skipped when
/// they come up.
class merging {
 public:
  merging(const bpe_model& model, const std::vector<std::int32_t>& ids) : model_(model) {
    symbols_.reserve(ids.size());
    for (const std::int32_t id : ids) {
      const auto position = static_cast<std::uint32_t>(symbols_.size());
      symbols_.push_back({id, position - 1, position + 1, no_merge, 0});  // `none` before the first
    }
    for (std::uint32_t left = 0; left + 1 < symbols_.size(); ++left) offer(left);
  }

  void run() {
    while (!candidates_.empty()) {
      const std::uint64_t next = candidates_.top();
      candidates_.pop();
      const auto left = static_cast<std::uint32_t>(next);
      if (symbols_[left].rank == static_cast<std::int32_t>(next >> 32U)) apply(left);
    }
  }

  void append_to(std::vector<std::int32_t>& ids) const {
    for (std::size_t position = 0; position < symbols_.size(); position = symbols_[position].next) {
      ids.push_back(symbols_[position].id);
    }
  }

 private:
  static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);
  static constexpr std::int32_t no_merge = -1;

  struct symbol {
    std::int32_t id;
    std::uint32_t previous;
    std::uint32_t next;   // the number of symbols behind the last
    std::int32_t rank;    // of the merge with the next one
    std::int32_t result;  // of that merge
  };

  /// Puts the pair that begins at `left` into the heap, if the model merges it.
  void offer(std::uint32_t left) {
    symbol& first = symbols_[left];
    const merge* known = first.next < symbols_.size() ? model_.find_merge(first.id, symbols_[first.next].id) : nullptr;
    first.rank = known != nullptr ? known->rank : no_merge;
    if (known == nullptr) return;
    first.result = known->result;
    candidates_.push(static_cast<std::uint64_t>(known->rank) << 32U | left);
  }

  void apply(std::uint32_t place) {
    symbol& left = symbols_[place];
    symbol& right = symbols_[left.next];
    left.id = left.result;
    left.next = right.next;
    right.rank = no_merge;
    if (left.next < symbols_.size()) symbols_[left.next].previous = place;
    offer(place);
    if (left.previous != none) offer(left.previous);
  }

  const bpe_model& model_;
  std::vector<symbol> symbols_;
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> candidates_;  // rank, then place
};

void bpe_model::for_each_part(std::string_view word, const part_visitor& visit) const {
  if (ignore_merges_) return visit(word);
  neighbours_.for_each_part(word, visit);
}

std::vector<std::int32_t> bpe_model::character_ids(std::string_view word) const {
  std::vector<std::int32_t> ids;
  bool is_unknown_due = false;  // fused ones follow; the bytes of a character among them go first
  const auto add_unknown = [&] {
    if (is_unknown_due) ids.push_back(*unknown_);
    is_unknown_due = false;
  };
  for (std::size_t position = 0; position < word.size();) {
    const std::size_t begin = position;
    next_code_point(word, position);
    const std::string_view character = word.substr(begin, position - begin);
    if (const auto found = tokens_.find(character); found != tokens_.end()) {
      add_unknown();
      ids.push_back(found->second);
    } else if (!(bytes_ && append_bytes(character, *bytes_, ids)) && unknown_) {
      if (!fuse_unknown_) add_unknown();
      is_unknown_due = true;
    }
  }
  add_unknown();
  return ids;
}

void bpe_model::encode_part(std::string_view part, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    if (const auto whole = tokens_.find(part); whole != tokens_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  merging work(*this, character_ids(part));
  work.run();
  work.append_to(ids);
}

}  // namespace

std::unique_ptr<const word_model> read_bpe(const common::json_field& model) {
  require_inactive(model);
  auto result = std::make_unique<bpe_model>(model);
  const std::vector<common::json_field> merges = model.at("merges").elements();
  std::int32_t rank = 0;
  for (const common::json_field& entry : merges) result->add_merge(entry, rank++);
  return result;
}

std::unique_ptr<const word_model> read_scored_bpe(const common::json_field& model) {
  auto result = std::make_unique<bpe_model>(model);
  result->add_merges_by_score(model.at("scores"));
  return result;
}

}  // namespace qgrain::lm
