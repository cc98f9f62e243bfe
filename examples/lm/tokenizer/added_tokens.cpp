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

added_token_finder::added_token_finder(std::vector<added_token> tokens) : tokens_(std::move(tokens)) {
  std::vector<std::pair<std::string, std::int32_t>> contents;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    contents.emplace_back(tokens_[i].content, static_cast<std::int32_t>(i));
  }
  contents_ = byte_trie(std::move(contents));
}

const added_token* added_token_finder::longest_at(std::string_view text, std::size_t position) const {
  const added_token* longest = nullptr;
  contents_.for_each_prefix(text.substr(position), [&](std::size_t, std::int32_t token) {
    longest = &tokens_[static_cast<std::size_t>(token)];
  });
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
    if (token->strip_right) end = skip_space_right(text, end);
    if (token->strip_left) {
      // What an earlier token took is gone; a token all of which is gone is not there.
      begin = std::max(skip_space_left(text, begin), taken);
      if (begin >= end) continue;
    }
    if (taken < begin) found.push_back({std::nullopt, text.substr(taken, begin - taken)});
    found.push_back({token->id, {}});
    taken = std::max(taken, end);
  }
  if (taken < text.size()) found.push_back({std::nullopt, text.substr(taken)});
  return found;
}

}  // namespace qgrain::lm
