#include <lm/tokenizer/added_tokens.hpp>
#include <lm/tokenizer/token_id.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <algorithm>
#include <set>

namespace qgrain::lm {
namespace {

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || !is_word_character(previous_code_point(text, begin))) &&
         (end == text.size() || !is_word_character(next_code_point(text, end)));
}

std::size_t skip_space_left(std::string_view text, std::size_t position) {
  for (std::size_t before = position; position > 0 && is_white_space(previous_code_point(text, before));) {
    position = before;
  }
  return position;
}

std::size_t skip_space_right(std::string_view text, std::size_t position) {
  for (std::size_t after = position; position < text.size() && is_white_space(next_code_point(text, after));) {
    position = after;
  }
  return position;
}

}  // namespace

std::vector<added_token> read_added_tokens(const common::json_field& tokens) {
  std::vector<added_token> result;
  std::set<std::string_view> contents;
  std::set<std::int32_t> ids;
  for (const common::json_field& entry : tokens.elements()) {
    const common::json_field content = entry.at("content");
    const std::int32_t id = token_id(entry.at("id"));
    if (content.string().empty()) content.fail(errc::bad_file, "is empty");
    if (!contents.insert(content.string()).second) {
      content.fail(errc::bad_file, "is \"" + std::string(content.string()) + "\", which an earlier entry has");
    }
    if (!ids.insert(id).second) {
      entry.at("id").fail(errc::bad_file, "is " + std::to_string(id) + ", which an earlier entry has");
    }
    result.push_back({.content = std::string(content.string()),
                      .id = id,
                      .single_word = entry.flag("single_word"),
                      .strip_left = entry.flag("lstrip"),
                      .strip_right = entry.flag("rstrip"),
                      .normalized = entry.flag("normalized")});
  }
  return result;
}

added_token_finder::added_token_finder(std::vector<added_token> tokens) : tokens_(std::move(tokens)), trie_(1) {
  for (std::size_t token = 0; token < tokens_.size(); ++token) insert(token);
}

void added_token_finder::insert(std::size_t token) {
  std::size_t node = 0;
  for (const char byte : tokens_[token].content) {
    const auto [edge, is_new] = trie_[node].next.try_emplace(byte, trie_.size());
    node = edge->second;
    if (is_new) trie_.emplace_back();
  }
  if (!trie_[node].token) trie_[node].token = token;
}

const added_token* added_token_finder::longest_at(std::string_view text, std::size_t position) const {
  const added_token* longest = nullptr;
  for (std::size_t node = 0; position < text.size(); ++position) {
    const auto edge = trie_[node].next.find(text[position]);
    if (edge == trie_[node].next.end()) break;
    node = edge->second;
    if (trie_[node].token) longest = &tokens_[*trie_[node].token];
  }
  return longest;
}

std::vector<text_segment> added_token_finder::segments(std::string_view text) const {
  std::vector<text_segment> found;
  std::size_t taken = 0;  // the text before this offset is in `found`
  for (std::size_t position = 0; position < text.size();) {
    const added_token* token = longest_at(text, position);
    if (token == nullptr) {
      ++position;
      continue;
    }
    std::size_t begin = position;
    position += token->content.size();
    std::size_t end =
        position;  // the search goes on behind the content, also where the token takes the space behind it
    if (token->single_word && !stands_alone(text, begin, end)) continue;
    if (token->strip_left) begin = std::max(skip_space_left(text, begin), taken);
    if (token->strip_right) end = skip_space_right(text, end);
    if (taken < begin) found.push_back({std::nullopt, text.substr(taken, begin - taken)});
    found.push_back({token->id, {}});
    taken = end;
  }
  if (taken < text.size()) found.push_back({std::nullopt, text.substr(taken)});
  return found;
}

}  // namespace qgrain::lm
