#include <lm/tokenizer/post_processor.hpp>
#include <lm/tokenizer/token_id.hpp>

namespace qgrain::lm {
namespace {

/// A place in a template: fixed ids, or nothing for the text's own.
using template_part = std::optional<token_ids>;

step<token_ids> make_byte_level(const common::json_field&) {
  return [](token_ids ids) { return ids; };
}

template_part read_template_part(const common::json_field& part, const common::json_field& special_tokens) {
  if (const auto sequence = part.find("Sequence")) {
    const common::json_field id = sequence->at("id");
    if (id.string() != "A") id.fail(errc::unsupported, "must be \"A\", the only text of a single template");
    return std::nullopt;
  }
  token_ids ids;
  for (const common::json_field& id :
       special_tokens.at(part.at("SpecialToken").at("id").string()).at("ids").elements()) {
    ids.push_back(token_id(id));
  }
  return ids;
}

step<token_ids> make_template(const common::json_field& component) {
  const common::json_field special_tokens = component.at("special_tokens");
  std::vector<template_part> parts;
  for (const common::json_field& part : component.at("single").elements()) {
    parts.push_back(read_template_part(part, special_tokens));
  }
  return [parts](const token_ids& text) {
    token_ids ids;
    for (const template_part& part : parts) {
      const token_ids& inserted = part ? *part : text;
      ids.insert(ids.end(), inserted.begin(), inserted.end());
    }
    return ids;
  };
}

step<token_ids> make_frame(const common::json_field& component) {
  const auto id_at = [&](std::string_view key) {
    const common::json_field field = component.at(key);
    const std::vector<common::json_field> pair = field.elements();
    if (pair.size() != 2) field.must_be("a token and its id");
    return token_id(pair[1]);
  };
  return [before = id_at("cls"), behind = id_at("sep")](token_ids ids) {
    ids.insert(ids.begin(), before);
    ids.push_back(behind);
    return ids;
  };
}

}  // namespace

pipeline<token_ids> read_post_processor(const common::json_field& component) {
  static constexpr step_type<token_ids> types[] = {{"ByteLevel", make_byte_level},
                                                   {"TemplateProcessing", make_template},
                                                   {"RobertaProcessing", make_frame},
                                                   {"BertProcessing", make_frame}};
  return read_pipeline<token_ids>(component, "processors", types);
}

}  // namespace qgrain::lm
