#include <lm/tokenizer/bpe.hpp>
#include <lm/tokenizer/token_id.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <queue>
#include <tuple>

namespace qgrain::lm {
namespace {

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint64_t>(right);
}

void require_inactive(const common::json_field& model) {
  constexpr std::string_view predicate =
      "is not supported; the BPE options supported are unk_token, fuse_unk and ignore_merges";
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0) {
    dropout->fail(errc::unsupported, predicate);
  }
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto affix = model.find(key); affix && !affix->string().empty()) {
      affix->fail(errc::unsupported, predicate);
    }
  }
  if (model.flag("byte_fallback")) model.at("byte_fallback").fail(errc::unsupported, predicate);
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

}  // namespace

bpe_model bpe_model::read(const common::json_field& model) {
  const common::json_field type = model.at("type");
  if (type.string() != "BPE") {
    type.fail(errc::unsupported, "is \"" + std::string(type.string()) + "\"; supported is BPE");
  }
  require_inactive(model);
  bpe_model result;
  result.tokens_ = read_vocabulary(model.at("vocab"));
  const std::vector<common::json_field> merges = model.at("merges").elements();
  result.merges_.reserve(merges.size());
  std::int32_t rank = 0;
  for (const common::json_field& entry : merges) result.add_merge(entry, rank++);
  if (const auto unknown = model.find("unk_token")) {
    // Files exist that name a token outside the vocabulary, which byte-level words never need.
    const auto token = result.tokens_.find(unknown->string());
    if (token != result.tokens_.end()) result.unknown_ = token->second;
  }
  result.fuse_unknown_ = model.flag("fuse_unk");
  result.ignore_merges_ = model.flag("ignore_merges");
  return result;
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

const bpe_model::merge* bpe_model::find_merge(std::int32_t left, std::int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

/// A doubly linked list of symbols over a fixed array, and a heap of the merges that its neighbours allow. A merge
/// changes its left symbol and unlinks the right one; heap entries that a later merge has outdated are skipped when
/// they come up.
class bpe_model::merging {
 public:
  merging(const bpe_model& model, const std::vector<std::int32_t>& ids) : model_(model) {
    symbols_.reserve(ids.size());
    for (const std::int32_t id : ids) {
      const std::size_t position = symbols_.size();
      symbols_.push_back({id, position - 1, position + 1});  // `none` before the first, size() behind the last
    }
    for (std::size_t left = 0; left + 1 < symbols_.size(); ++left) offer(left);
  }

  void run() {
    while (!candidates_.empty()) {
      const candidate next = candidates_.top();
      candidates_.pop();
      if (is_current(next)) apply(next);
    }
  }

  void append_to(std::vector<std::int32_t>& ids) const {
    for (std::size_t position = 0; position < symbols_.size(); position = symbols_[position].next) {
      ids.push_back(symbols_[position].id);
    }
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::int32_t merged_away = -1;

  struct symbol {
    std::int32_t id;
    std::size_t previous;
    std::size_t next;
  };
  struct candidate {
    std::int32_t rank;
    std::size_t left;
    std::int32_t left_id;
    std::int32_t right_id;
    std::int32_t result;
    friend bool operator>(const candidate& a, const candidate& b) noexcept {
      return std::tie(a.rank, a.left) > std::tie(b.rank, b.left);
    }
  };

  /// Puts the pair that begins at `left` into the heap, if the model merges it.
  void offer(std::size_t left) {
    const std::int32_t left_id = symbols_[left].id;
    const std::int32_t right_id = symbols_[symbols_[left].next].id;
    if (const merge* known = model_.find_merge(left_id, right_id)) {
      candidates_.push({known->rank, left, left_id, right_id, known->result});
    }
  }

  [[nodiscard]] bool is_current(const candidate& pair) const {
    const symbol& left = symbols_[pair.left];
    return left.id == pair.left_id && left.next < symbols_.size() && symbols_[left.next].id == pair.right_id;
  }

  void apply(const candidate& pair) {
    symbol& left = symbols_[pair.left];
    symbol& right = symbols_[left.next];
    left.id = pair.result;
    left.next = right.next;
    right.id = merged_away;
    if (left.next < symbols_.size()) {
      symbols_[left.next].previous = pair.left;
      offer(pair.left);
    }
    if (left.previous != none) offer(left.previous);
  }

  const bpe_model& model_;
  std::vector<symbol> symbols_;
  std::priority_queue<candidate, std::vector<candidate>, std::greater<>> candidates_;
};

std::vector<std::int32_t> bpe_model::character_ids(std::string_view word) const {
  std::vector<std::int32_t> ids;
  bool after_unknown = false;
  for (std::size_t position = 0; position < word.size();) {
    const std::size_t begin = position;
    next_code_point(word, position);
    const std::string_view character = word.substr(begin, position - begin);
    const auto found = tokens_.find(character);
    if (found != tokens_.end()) {
      ids.push_back(found->second);
    } else if (!unknown_) {
      throw error(errc::invalid_argument,
                  "the tokenizer has neither a token for \"" + std::string(character) + "\" nor an unknown token");
    } else if (!after_unknown || !fuse_unknown_) {
      ids.push_back(*unknown_);
    }
    after_unknown = found == tokens_.end();
  }
  return ids;
}

void bpe_model::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    if (const auto whole = tokens_.find(word); whole != tokens_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  merging work(*this, character_ids(word));
  work.run();
  work.append_to(ids);
}

}  // namespace qgrain::lm
