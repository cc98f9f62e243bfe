// qgrain-lm: run a language model from its Hugging Face files.
#include <common/command_line.hpp>
#include <common/json.hpp>
#include <common/process.hpp>
#include <engine/measure/verification.hpp>
#include <engine/mix/mix.hpp>
#include <engine/mix/mix_override.hpp>
#include <lm/generate.hpp>
#include <lm/model.hpp>
#include <lm/pass.hpp>
#include <lm/safetensors.hpp>
#include <lm/tokenizer.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/host/instruction_set.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sstream>
#include <thread>

namespace {

using namespace qgrain;
using namespace qgrain::lm;

struct options {
  std::string model;
  std::string prompt;
  index_t generate = 32;
  std::string text;
  std::string mix;
  std::string tokens;
  std::string logits;
  std::string encode;
  std::string encode_file;
  std::string decode;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool json = false;
  bool allow_non_finite = false;
};

// What a user should know of the model's folder goes to the error stream.
void warn_of(const model& m) {
  for (const std::string& warning : m.warnings()) std::cerr << "qgrain-lm: warning: " << warning << '\n';
}

non_finite values_of(const options& o) { return o.allow_non_finite ? non_finite::allowed : non_finite::refused; }

// JSON has no NaN and no infinity.
boost::json::value number_or_null(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value();
}

tokenizer load_tokenizer(const options& o) { return tokenizer::of_model(o.model); }

token_ids encode_text(const tokenizer& t, const std::string& text, const std::string& what) {
  token_ids ids = t.encode(text);
  if (ids.empty()) throw error(errc::invalid_argument, what + " is empty: there are no tokens");
  return ids;
}

void print(const boost::json::value& value) { std::cout << boost::json::serialize(value) << '\n'; }

void run_prompt(const options& o) {
  const model m(o.model, values_of(o));
  warn_of(m);
  const tokenizer t = load_tokenizer(o);
  const token_ids ids = encode_text(t, o.prompt, "the prompt");
  thread_pool pool(o.threads);
  engine::recipe_mix mix;
  std::optional<engine::mix_override> instead;
  if (!o.mix.empty()) {
    mix = engine::read_mix(o.mix, m);
    instead.emplace(m, mix, pool);
  }
  const token_ids added = generate(m, ids, o.generate, pool, instead ? &*instead : nullptr);
  const std::string text = t.decode(added);
  if (o.json) {
    print({{"prompt", o.prompt},
           {"prompt_ids", boost::json::value_from(ids)},
           {"generated_ids", boost::json::value_from(added)},
           {"generated", text},
           {"peak_resident_bytes", common::peak_resident_bytes()}});
  } else {
    std::cout << o.prompt << text << '\n';
  }
}

std::vector<token_ids> encode_lines(const tokenizer& t, const std::string& path) {
  const std::string content = common::read_text_file(path);
  common::require_text(path, content);
  std::istringstream lines(content);
  std::vector<token_ids> sequences;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    try {
      if (token_ids ids = t.encode(line); !ids.empty()) sequences.push_back(std::move(ids));
    } catch (const error& fault) {
      throw error(fault.code(), path + ", line " + std::to_string(number) + ": " + fault.what());
    }
  }
  if (sequences.empty()) throw error(errc::invalid_argument, path + ": the file is empty: there are no tokens");
  return sequences;
}

void run_text(const options& o) {
  const model m(o.model, values_of(o));
  warn_of(m);
  const packed_rows rows = pack(encode_lines(load_tokenizer(o), o.text), {}, m.config().vocabulary);
  thread_pool pool(o.threads);
  const auto start = std::chrono::steady_clock::now();
  layer_pass pass({m, rows, pool});
  pass.forward(layer_pass::keep::last_state);
  const loss_report report = pass.loss();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  index_t targets = 0;
  for (const loss_report::batch& batch : report.batches) targets += batch.targets;
  const double perplexity = std::exp(report.mean_over_targets);
  if (o.json) {
    print({{"sequences", rows.sequences.size()},
           {"tokens", rows.rows()},
           {"targets", targets},
           {"mean_loss", number_or_null(report.mean_over_targets)},
           {"perplexity", number_or_null(perplexity)},
           {"mean_of_sequence_losses", number_or_null(report.mean_of_batches)},
           {"seconds", seconds},
           {"linear_flops", pass.costs().linear_flops},
           {"threads", o.threads},
           {"peak_resident_bytes", common::peak_resident_bytes()}});
  } else {
    std::printf("%zu sequences, %lld tokens\nmean loss   %.6f\nperplexity  %.4f\n", rows.sequences.size(),
                static_cast<long long>(rows.rows()), report.mean_over_targets, perplexity);
  }
}

// The text under a mix and without it. Ranges that static activation recipes lack are those of the text itself.
void run_text_with_mix(const options& o) {
  const model m(o.model, values_of(o));
  warn_of(m);
  engine::recipe_mix mix = engine::read_mix(o.mix, m);
  const packed_rows rows = pack(encode_lines(load_tokenizer(o), o.text), {}, m.config().vocabulary);
  thread_pool pool(o.threads);
  mix = engine::calibrated_mix(m, rows, std::move(mix), pool);
  const engine::mix_report report = engine::verify_mix(m, rows, mix, pool);
  if (o.json) {
    print({{"sequences", rows.sequences.size()},
           {"tokens", report.positions},
           {"targets", report.targets},
           {"mean_loss", number_or_null(report.loss)},
           {"perplexity", number_or_null(report.perplexity)},
           {"unquantized_mean_loss", number_or_null(report.base_loss)},
           {"unquantized_perplexity", number_or_null(report.base_perplexity)},
           {"mean_kl_div", number_or_null(report.mean_divergence)},
           {"top1_agreement", number_or_null(report.top1_agreement)},
           {"threads", o.threads},
           {"peak_resident_bytes", common::peak_resident_bytes()}});
  } else {
    std::printf("%zu sequences, %lld tokens\n", rows.sequences.size(), static_cast<long long>(report.positions));
    std::printf("                 with the mix   unquantized\n");
    std::printf("mean loss      %14.6f %13.6f\n", report.loss, report.base_loss);
    std::printf("perplexity     %14.4f %13.4f\n", report.perplexity, report.base_perplexity);
    std::printf("mean KL divergence per token  %.6g\nsame likeliest next token     %.4f\n", report.mean_divergence,
                report.top1_agreement);
  }
}

void run_logits(const options& o) {
  const model m(o.model, values_of(o));
  warn_of(m);
  const safetensors_file in(o.tokens);
  const tensor_info& ids = in.at("ids");
  if (ids.shape.empty() || ids.shape.size() > 2 || ids.elements() == 0) {
    throw error(errc::bad_file, o.tokens + ": tensor \"ids\" has shape " + shape_text(ids.shape) +
                                    ", where [tokens] or [sequences, tokens] is needed");
  }
  token_ids all(static_cast<std::size_t>(ids.elements()));
  in.read_i32(ids, 0, all);
  const auto length = static_cast<std::size_t>(ids.shape.back());
  std::vector<token_ids> sequences;
  for (std::size_t begin = 0; begin < all.size(); begin += length) {
    sequences.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(begin),
                           all.begin() + static_cast<std::ptrdiff_t>(begin + length));
  }
  const index_t vocabulary = m.config().vocabulary;
  const packed_rows rows = pack(sequences, {}, vocabulary);
  std::vector<std::int64_t> shape = ids.shape;
  shape.push_back(vocabulary);
  safetensors_writer out(o.logits, {{"logits", dtype::f32, shape}});
  thread_pool pool(o.threads);
  layer_pass pass({m, rows, pool});
  pass.forward(layer_pass::keep::last_state);
  pass.logits([&](index_t first_row, index_t first_output, const_matrix logits) {
    for (index_t i = 0; i < logits.rows(); ++i) {
      const std::span<const float> row(logits.data() + i * logits.outerStride(),
                                       static_cast<std::size_t>(logits.cols()));
      out.write_elements(0, (first_row + i) * vocabulary + first_output, row);
    }
  });
  out.finish();
  if (o.json) {
    print({{"logits", o.logits},
           {"shape", boost::json::value_from(shape)},
           {"peak_resident_bytes", common::peak_resident_bytes()}});
  } else {
    std::cout << o.logits << ": logits " << shape_text(shape) << '\n';
  }
}

void print_ids(const token_ids& ids, bool json) {
  if (json) return print(boost::json::value_from(ids));
  for (std::size_t i = 0; i < ids.size(); ++i) std::cout << (i > 0 ? " " : "") << ids[i];
  std::cout << '\n';
}

void run_encode_file(const options& o) {
  const tokenizer t = load_tokenizer(o);
  const common::json_document texts = common::read_json_document(o.encode_file);
  boost::json::array lists;
  for (const common::json_field& text : common::json_field(texts).elements()) {
    lists.push_back(boost::json::value_from(t.encode(text.string())));
  }
  print(lists);
}

// "1 2 3", "1,2,3" or "[1, 2, 3]"
token_ids parse_ids(const std::string& text) {
  std::string plain = text;
  for (char& c : plain) {
    if (c == ',' || c == '[' || c == ']') c = ' ';
  }
  std::istringstream words(plain);
  token_ids ids;
  for (std::string word; words >> word;) {
    std::int32_t id = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (failure != std::errc() || end != word.data() + word.size()) {
      throw error(errc::invalid_argument, "--decode: \"" + word + "\" is no token id");
    }
    ids.push_back(id);
  }
  return ids;
}

void run_decode(const options& o) {
  const std::string text = load_tokenizer(o).decode(parse_ids(o.decode));
  if (o.json) return print(boost::json::value(text));
  std::cout << text << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  common::command_line_parser line(
      "Runs a language model (Qwen3, Llama, the text half of Qwen3-VL) from its Hugging Face files or a GGUF file.",
      "qgrain-lm");
  options o;
  line.text("--model", o.model, "folder with config.json, model.safetensors and tokenizer.json, or a GGUF file")
      .required();
  auto modes = line.one_of("what to do");
  const auto prompt = modes.text("--prompt", o.prompt, "continue this text greedily");
  const auto text = modes.text("--text", o.text, "mean loss and perplexity of a file, one sequence a line");
  auto tokens = modes.text("--tokens", o.tokens, "safetensors file with `ids`, [tokens] or [sequences, tokens]");
  const auto encode = modes.text("--encode", o.encode, "print the token ids of a text");
  const auto encode_file = modes.text("--encode-file", o.encode_file, "JSON list of texts to a list of id lists");
  const auto decode = modes.text("--decode", o.decode, "print the text of token ids");
  const auto mix =
      line.text("--mix", o.mix, "with --prompt or --text: JSON file of the recipes of each Linear (see README)")
          .excludes(tokens)
          .excludes(encode)
          .excludes(encode_file)
          .excludes(decode);
  line.number("--generate", o.generate, "how many tokens to add to the prompt").needs(prompt).positive();
  const auto logits = line.text("--logits", o.logits, "safetensors file to write `logits` to").needs(tokens);
  tokens.needs(logits);
  line.number("--threads", o.threads, "threads; results do not depend on it").between(1, 4096);
  line.flag("--allow-non-finite", o.allow_non_finite, "go on where a weight is NaN or infinite");
  line.flag("--json", o.json, "print JSON");
  if (const auto code = line.parse(argc, argv)) return *code;
  try {
    qgrain::chosen_instruction_set();  // one that the processor lacks is refused before any work
    if (prompt.given()) run_prompt(o);
    if (text.given() && mix.given()) run_text_with_mix(o);
    if (text.given() && !mix.given()) run_text(o);
    if (tokens.given()) run_logits(o);
    if (encode.given()) print_ids(load_tokenizer(o).encode(o.encode), o.json);
    if (encode_file.given()) run_encode_file(o);
    if (decode.given()) run_decode(o);
  } catch (const std::exception& failure) {
    std::cerr << "qgrain-lm: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
