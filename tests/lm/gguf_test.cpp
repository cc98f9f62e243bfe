// GGUF files: what is written is read back, every fault of a file is named, and other tools' files are the models that
// they were made of.
#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_weights.hpp>
#include <lm/gguf/gguf_writer.hpp>
#include <lm/lm_support.hpp>
#include <lm/logits_of.hpp>
#include <lm/tokenizer.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

namespace {

namespace fs = std::filesystem;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;
using qgrain::index_t;

const fs::path export_dir = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/export";

// A file made by hand, number by number.
class raw_gguf {
 public:
  raw_gguf(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    bytes_ = "GGUF";
    number(version);
    number(tensors);
    number(keys);
  }
  template <class T>
  raw_gguf& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  raw_gguf& text(const std::string& value) {
    number<std::uint64_t>(value.size());
    bytes_ += value;
    return *this;
  }
  raw_gguf& info(const std::string& name, const std::vector<std::uint64_t>& extents, std::uint32_t type,
                 std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(extents.size()));
    for (const std::uint64_t extent : extents) number(extent);
    return number(type).number(offset);
  }
  raw_gguf& data(std::size_t bytes) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32 + bytes, '\0');
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

void expect_fault(errc code, const std::string& bytes, const std::vector<std::string>& words) {
  const temporary_folder folder;
  const fs::path path = folder.path() / "bad.gguf";
  std::ofstream(path, std::ios::binary) << bytes;
  std::vector<std::string> all{"bad.gguf"};
  all.insert(all.end(), words.begin(), words.end());
  expect_error(code, all, [&] { const gguf_file file(path); });
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  BOOST_TEST_REQUIRE(a.size() == b.size());
  float most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::fabs(a[i] - b[i]));
  return most;
}

}  // namespace

BOOST_AUTO_TEST_CASE(round_trip_of_keys_and_tensors) {
  const temporary_folder folder;
  const fs::path path = folder.path() / "x.gguf";
  const gguf_keys keys{
      {"a.text", gguf_value::text("täxt")},
      {"a.small", {gguf_kind::i8, false, std::vector<std::int64_t>{-7}}},
      {"a.large", {gguf_kind::u64, false, std::vector<std::uint64_t>{1ULL << 63U}}},
      {"a.double", {gguf_kind::f64, false, std::vector<double>{0.1}}},
      {"a.float", gguf_value::f32(0.1F)},
      {"a.yes", gguf_value::boolean(true)},
      {"a.numbers", gguf_value::i32s({1, -2, 3})},
      {"a.none", gguf_value::texts({})},
      {"a.texts", gguf_value::texts({"", "b c"})},
  };
  std::vector<float> values(96);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 40.0F;
  const ggml_type& coded = *find_ggml_type("Q8_0");
  std::vector<std::byte> blocks(static_cast<std::size_t>(coded.bytes_of(96)));
  coded.encode(values, blocks.data());
  {
    gguf_writer writer(
        path, keys,
        std::vector<gguf_tensor_plan>{
            {"w", &coded, {3, 32}}, {"n", find_ggml_type("F32"), {5}}, {"h", find_ggml_type("BF16"), {2, 1, 3}}});
    const std::array two{4.0F, 5.0F};
    writer.write(1, 4, std::as_bytes(std::span(two)));
    writer.write(0, 34, std::span(blocks).subspan(34));
    writer.write(0, 0, std::span(blocks).first(34));
    expect_error(errc::out_of_range, {"beyond the end"}, [&] { writer.write(1, 17, std::span(blocks).first(4)); });
    BOOST_TEST(!fs::exists(path));  // not before it is complete
    writer.finish();
    BOOST_TEST(static_cast<std::int64_t>(fs::file_size(path)) == writer.size());
  }
  const gguf_file file(path);
  BOOST_TEST((file.keys() == keys));
  BOOST_TEST(file.tensors().size() == 3U);
  BOOST_TEST(shape_text(file.find("h")->shape) == "[2, 1, 3]");
  for (const gguf_tensor& tensor : file.tensors()) BOOST_TEST(tensor.begin % 32 == 0);
  std::vector<float> norm(5);
  file.read_values(*file.find("n"), 0, norm);
  BOOST_TEST(norm == (std::vector<float>{0, 4, 5, 0, 0}), boost::test_tools::per_element());
  // From the middle of a block to the middle of another.
  std::vector<float> middle(40);
  file.read_values(*file.find("w"), 20, middle);
  std::vector<float> all(96);
  file.read_values(*file.find("w"), 0, all);
  BOOST_TEST(middle == std::vector<float>(all.begin() + 20, all.begin() + 60), boost::test_tools::per_element());
  { gguf_writer abandoned(folder.path() / "y.gguf", keys, {}); }
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  expect_error(errc::invalid_shape, {"\"w\"", "rows of 33", "Q8_0", "32"}, [&] {
    gguf_writer writer(path, {}, std::vector<gguf_tensor_plan>{{"w", &coded, {1, 33}}});
  });
}

BOOST_AUTO_TEST_CASE(faults_of_a_file_are_named) {
  constexpr std::uint32_t u32 = 4, text = 8, array = 9, f32 = 0, q8_0 = 8, iq1_s = 19;
  constexpr std::uint64_t huge = std::uint64_t{1} << 62U;
  expect_fault(errc::bad_file, "GG", {"at byte 0", "4 bytes", "ends at byte 2"});
  expect_fault(errc::bad_file, "PK\3\4aaaaaaaaaaaaaaaaaaaa", {"not a GGUF file"});
  expect_fault(errc::unsupported, raw_gguf(0, 0, 1).bytes(), {"version 1", "2 and 3"});
  expect_fault(errc::unsupported, raw_gguf(0, 0, 0x03000000).bytes(), {"big-endian"});
  expect_fault(errc::bad_file, raw_gguf(huge, 0).bytes(), {"tensors", std::to_string(huge)});
  expect_fault(errc::bad_file, raw_gguf(0, 3).bytes(), {"keys", "count of 3"});
  expect_fault(errc::bad_file, raw_gguf(0, 1).text("k").number<std::uint32_t>(77).number(0).bytes(),
               {"key \"k\"", "unknown type 77"});
  expect_fault(errc::bad_file, raw_gguf(0, 1).text("k").number(text).number(huge).bytes(),
               {"key \"k\"", "count of " + std::to_string(huge)});
  expect_fault(errc::bad_file, raw_gguf(0, 1).text("k").number(array).number(u32).number(huge).bytes(),
               {"key \"k\"", "count of " + std::to_string(huge)});
  expect_fault(errc::unsupported, raw_gguf(0, 1).text("k").number(array).number(array).number(huge).bytes(),
               {"key \"k\"", "array of arrays"});
  expect_fault(errc::bad_file, raw_gguf(0, 2).text("k").number(u32).number(1).text("k").number(u32).number(1).bytes(),
               {"key \"k\"", "twice"});
  expect_fault(errc::bad_file, raw_gguf(0, 1).text("general.alignment").number(u32).number(24).bytes(),
               {"general.alignment", "power of two", "24"});
  const auto one = [](const std::vector<std::uint64_t>& extents, std::uint32_t type, std::uint64_t offset,
                      std::size_t data) { return raw_gguf(1, 0).info("w", extents, type, offset).data(data).bytes(); };
  expect_fault(errc::bad_file, one({4, 2}, f32, 0, 31), {"\"w\"", "32 bytes at offset 0", "only 31", "truncated"});
  expect_fault(errc::bad_file, one({4}, f32, huge, 16), {"\"w\"", "truncated"});
  expect_fault(errc::bad_file, one({4}, f32, 8, 64), {"\"w\"", "offset 8", "multiple of the 32"});
  expect_fault(errc::bad_file, one({33}, q8_0, 0, 64), {"\"w\"", "rows of 33", "Q8_0 blocks of 32"});
  expect_fault(errc::bad_file, one({huge, huge}, f32, 0, 64), {"\"w\"", "overflows"});
  expect_fault(errc::bad_file, one({1, 1, 1, 1, 1}, f32, 0, 64), {"\"w\"", "5 dimensions"});
  expect_fault(errc::unsupported, one({32}, 99, 0, 64), {"\"w\"", "type 99"});
  expect_fault(errc::bad_file, raw_gguf(2, 0).info("w", {16}, f32, 0).info("w", {16}, f32, 64).data(128).bytes(),
               {"\"w\"", "twice"});
  expect_fault(errc::bad_file, raw_gguf(2, 0).info("w", {16}, f32, 0).info("v", {16}, f32, 32).data(128).bytes(),
               {"\"w\" and \"v\" overlap"});
  // Known by size alone: opened, not read.
  const temporary_folder folder;
  std::ofstream(folder.path() / "x", std::ios::binary) << one({256}, iq1_s, 0, 64);
  BOOST_TEST(is_gguf(folder.path() / "x"));
  const gguf_file file(folder.path() / "x");
  std::vector<float> values(1);
  expect_error(errc::unsupported, {"\"w\"", "IQ1_S"}, [&] { file.read_values(*file.find("w"), 0, values); });
}

BOOST_AUTO_TEST_CASE(names_go_both_ways) {
  const gguf_family& qwen = *find_gguf_family("qwen3vl");
  const std::array<std::array<std::string, 2>, 4> pairs{
      {{"model.language_model.embed_tokens.weight", "token_embd.weight"},
       {"lm_head.weight", "output.weight"},
       {"model.language_model.norm.weight", "output_norm.weight"},
       {"model.language_model.layers.12.self_attn.o_proj.bias", "blk.12.attn_output.bias"}}};
  for (const auto& [hugging_face, gguf] : pairs) {
    BOOST_TEST(gguf_name_of(qwen, hugging_face) == gguf);
    BOOST_TEST(hugging_face_name_of(qwen, gguf) == hugging_face);
  }
  for (const std::string name : {"model.visual.blocks.0.attn.qkv.weight", "model.layers.0.mlp.up_proj.weight",
                                 "model.language_model.layers.x.mlp.up_proj.weight", "norm", ""})
    BOOST_TEST(gguf_name_of(qwen, name).empty(), name);
  // Two halves of a head of 6, and those of the next one.
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < 12; ++row) rows.push_back(permuted_row(row, 6));
  BOOST_TEST(rows == (std::vector<std::int64_t>{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11}),
             boost::test_tools::per_element());
}

// Files of the gguf package with the weights as F32: equal values and sizes, so equal logits; RoPE divisors of Llama 3
// are the file's float32 numbers.
BOOST_AUTO_TEST_CASE(models_of_the_gguf_package) {
  const token_ids ids{5, 17, 33, 2, 90, 41, 8, 8, 60, 71};
  BOOST_TEST(largest_difference(logits_of(export_dir / "gguf/qwen3vl-F32.gguf", ids),
                                logits_of(data_dir / "families/qwen3vl", ids)) == 0.0F);
  const float llama = largest_difference(logits_of(export_dir / "gguf/llama3-F32.gguf", ids),
                                         logits_of(data_dir / "families/llama3", ids));
  BOOST_TEST(llama < 1e-5F);
  const model_config config = read_config(export_dir / "gguf/llama3-F32.gguf");
  BOOST_TEST(config.input_bias);
  BOOST_TEST(config.output_bias);
  BOOST_TEST(!config.tied_head);
  BOOST_TEST(config.rotations.at(0).divisors.size() == 4U);
}

// Norms are stored as 1 + weight, windows by a pattern, the scalar of the scores not at all.
BOOST_AUTO_TEST_CASE(gemma_of_the_gguf_package) {
  const fs::path given = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/families/gemma3-text";
  const fs::path file = export_dir / "gguf/gemma3.gguf";
  const temporary_folder folder;
  fs::copy(given / "model.safetensors", folder.path());
  std::string text = qgrain::common::read_text_file(given / "config.json");
  const std::string scalar = "\"query_pre_attn_scalar\": 24";
  const std::size_t at = text.find(scalar);
  BOOST_TEST_REQUIRE(at != std::string::npos);
  std::ofstream(folder.path() / "config.json")
      << text.replace(at, scalar.size(), "\"query_pre_attn_scalar\": 16");  // a head
  const token_ids ids{5, 17, 33, 2, 40, 41, 8, 8, 1, 7, 12, 30, 6};         // longer than two windows
  BOOST_TEST(largest_difference(logits_of(file, ids), logits_of(folder.path(), ids)) == 0.0F);
  BOOST_TEST(largest_difference(logits_of(file, ids), logits_of(given, ids)) > 1e-4F);  // the scalar counts
  const model_config config = read_config(file);
  BOOST_TEST(config.layer_rules.at(0).window == 6);
  BOOST_TEST(config.layer_rules.at(2).window == 0);
  BOOST_TEST(config.rotations.at(1).base == 1e4);
  BOOST_TEST(model(file).warnings().empty());
}

// What the blocks of each type stand for is the matter of tests/conformance; here it is the place of each tensor.
BOOST_AUTO_TEST_CASE(quantized_file_of_the_gguf_package) {
  const model mix(export_dir / "gguf/q3s-mix.gguf");
  const model base(export_dir / "base/q3s");
  BOOST_TEST(mix.warnings().empty());
  BOOST_TEST(mix.config().tied_head);
  BOOST_TEST(mix.config().padding_id.value() == 268);
  qgrain::thread_pool pool(1);
  block_weights found(mix.config());
  block_weights wanted(base.config());
  for (index_t layer = 0; layer < base.config().layers; ++layer) {
    mix.read_block(layer, found, pool);
    base.read_block(layer, wanted, pool);
    for (std::size_t l = 0; l < found.linears.size(); ++l) {
      const float error = (found.linears[l] - wanted.linears[l]).norm() / wanted.linears[l].norm();
      BOOST_TEST(error < 0.15F, "layer " << layer << ", linear " << l << ": " << error);
    }
  }
  BOOST_TEST(mix.tensors().gguf()->find("model.layers.1.mlp.down_proj.weight")->factor < 0.01F);  // NVFP4's
}

BOOST_AUTO_TEST_CASE(tokenizer_of_the_keys) {
  const tokenizer wanted = tokenizer::of_model(export_dir / "base/q3s");
  const tokenizer found = tokenizer::of_model(export_dir / "gguf/q3s-mix.gguf");
  BOOST_TEST(found.vocabulary_size() == wanted.vocabulary_size());
  const auto cases = qgrain::common::read_json_document(data_dir / "tokenizer_cases.json");
  std::size_t texts = 0;
  for (const auto& entry : qgrain::common::json_field(cases).at("cases").elements()) {
    const std::string text(entry.at("text").string());
    const token_ids ids = found.encode(text);
    BOOST_TEST(ids == wanted.encode(text), boost::test_tools::per_element());
    BOOST_TEST(found.decode(ids) == wanted.decode(ids));
    ++texts;
  }
  BOOST_TEST(texts > 300U);
}

namespace {

// A vocabulary of pieces by score: special tokens, bytes, and pieces of a, b, c and the space.
struct piece_vocabulary {
  std::vector<std::string> texts{"<unk>", "<s>", "</s>", "  "};
  std::vector<std::int64_t> types{2, 3, 3, 4};
  std::vector<double> scores{0, 0, 0, 0};

  piece_vocabulary() {
    for (int byte = 0; byte < 256; ++byte) {
      std::array<char, 8> name{};
      std::snprintf(name.data(), name.size(), "<0x%02X>", static_cast<unsigned>(byte));
      add(name.data(), 6, 0);
    }
    for (const char* letter : {"\u2581", "a", "b", "c"}) add(letter, 1, -100);
    // Two of each score: what is farther left goes first.
    double score = 0;
    for (const char* text : {"ab", "ba", "\u2581a", "bab", "aab", "bb", "ca", "abab", "\u2581ab", "bba"})
      add(text, 1, --score / 2);
  }
  void add(std::string text, std::int64_t type, double score) {
    texts.push_back(std::move(text));
    types.push_back(type);
    scores.push_back(std::floor(score));
  }
  [[nodiscard]] std::optional<std::size_t> find(const std::string& text) const {
    const auto found = std::find(texts.begin(), texts.end(), text);
    return found == texts.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - texts.begin()));
  }
  void write(const fs::path& path, bool prefixed) const {
    const gguf_keys keys{{"general.architecture", gguf_value::text("llama")},
                         {"tokenizer.ggml.model", gguf_value::text("llama")},
                         {"tokenizer.ggml.tokens", gguf_value::texts(texts)},
                         {"tokenizer.ggml.token_type", gguf_value::i32s(types)},
                         {"tokenizer.ggml.scores", {gguf_kind::f32, true, scores}},
                         {"tokenizer.ggml.bos_token_id", gguf_value::u32(1)},
                         {"tokenizer.ggml.add_space_prefix", gguf_value::boolean(prefixed)}};
    gguf_writer writer(path, keys, std::vector<gguf_tensor_plan>{{"x", find_ggml_type("F32"), {1, 32}}});
    writer.finish();
  }

  /// By definition: the neighbours whose union has the largest score merge, the leftmost of equals, until none have
  /// one.
  [[nodiscard]] token_ids merged(std::vector<std::string> symbols) const {
    while (true) {
      std::optional<std::size_t> best;
      double best_score = 0;
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        const auto id = find(symbols[i] + symbols[i + 1]);
        if (!id || (best && scores[*id] <= best_score)) continue;
        best = i;
        best_score = scores[*id];
      }
      if (!best) break;
      symbols[*best] += symbols[*best + 1];
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(*best) + 1);
    }
    token_ids ids;
    for (const std::string& symbol : symbols) ids.push_back(static_cast<std::int32_t>(find(symbol).value()));
    return ids;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(pieces_merge_by_score) {
  const piece_vocabulary vocabulary;
  const temporary_folder folder;
  const fs::path path = folder.path() / "pieces.gguf";
  std::mt19937 random(7);
  for (const bool prefixed : {true, false}) {
    vocabulary.write(path, prefixed);
    const tokenizer found = tokenizer::of_model(path);
    for (int round = 0; round < 200; ++round) {
      std::string text;
      std::vector<std::string> symbols;
      if (prefixed) symbols.emplace_back("\u2581");
      const std::size_t size = 1 + random() % 12;
      for (std::size_t i = 0; i < size; ++i) {
        const bool is_space = text.ends_with(' ') ? false : random() % 5 == 0;  // two of them are a token of their own
        text += is_space ? ' ' : "abc"[random() % 3];
        symbols.push_back(is_space ? "\u2581" : text.substr(text.size() - 1));
      }
      token_ids wanted{1};
      for (const std::int32_t id : vocabulary.merged(symbols)) wanted.push_back(id);
      BOOST_TEST(found.encode(text) == wanted, boost::test_tools::per_element());
      BOOST_TEST(found.decode(std::span(wanted).subspan(1)) == text);
    }
    const std::string other =
        "\u00E9  a";  // no piece, a token of the user's, a piece with or without a space before it
    const auto a = static_cast<std::int32_t>(*vocabulary.find(prefixed ? "\u2581a" : "a"));
    const auto space = static_cast<std::int32_t>(*vocabulary.find("\u2581"));
    token_ids wanted{1, space, 4 + 0xC3, 4 + 0xA9, 3, a};
    if (!prefixed) wanted.erase(wanted.begin() + 1);
    BOOST_TEST(found.encode(other) == wanted, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(keys_that_no_model_has_are_named) {
  const gguf_file golden(export_dir / "gguf/q3s-Q4_0.gguf");
  const temporary_folder folder;
  const fs::path path = folder.path() / "x.gguf";
  // The golden keys with one other value, and the embedding as the one tensor.
  const auto with = [&](const std::string& key, std::optional<gguf_value> value) {
    gguf_keys keys;
    for (const auto& entry : golden.keys()) {
      if (entry.first != key) keys.push_back(entry);
    }
    if (value) keys.emplace_back(key, std::move(*value));
    gguf_writer writer(path, keys,
                       std::vector<gguf_tensor_plan>{{"token_embd.weight", find_ggml_type("F16"), {271, 128}}});
    writer.finish();
  };
  const auto config = [&] { (void)read_config(path); };
  const auto tokens = [&] { (void)tokenizer::of_model(path); };
  with("general.architecture", gguf_value::text("gemma2"));
  expect_error(errc::unsupported, {"x.gguf: general.architecture", "gemma2", "qwen3, llama, qwen3vl, gemma3"}, config);
  with("qwen3.block_count", std::nullopt);
  expect_error(errc::bad_file, {"x.gguf: qwen3.block_count is missing"}, config);
  with("qwen3.block_count", gguf_value::text("2"));
  expect_error(errc::bad_file, {"x.gguf: qwen3.block_count must be a number", "string"}, config);
  with("qwen3.feed_forward_length", gguf_value::i32s({256, 128}));
  expect_error(errc::unsupported, {"qwen3.feed_forward_length", "array"}, config);
  with("qwen3.attention.sliding_window", gguf_value::u32(512));
  expect_error(errc::unsupported, {"qwen3.attention.sliding_window", "512"}, config);
  with("qwen3.attention.value_length", gguf_value::u32(64));
  expect_error(errc::unsupported, {"qwen3.attention.value_length", "64", "32"}, config);
  with("qwen3.rope.scaling.type", gguf_value::text("yarn"));
  expect_error(errc::unsupported, {"x.gguf: qwen3.rope.scaling.type is \"yarn\""}, config);
  with("split.count", gguf_value::u32(3));
  expect_error(errc::unsupported, {"one of 3 parts"}, config);
  expect_error(errc::bad_file, {"x.gguf", "model.norm.weight", "missing"}, [&] {
    with("general.name", std::nullopt);
    const model m(path);
  });
  with("tokenizer.ggml.model", gguf_value::text("t5"));
  expect_error(errc::unsupported, {"tokenizer.ggml.model", "t5", "gpt2", "llama"}, tokens);
  with("tokenizer.ggml.model", gguf_value::text("llama"));
  expect_error(errc::bad_file, {"x.gguf: tokenizer.ggml.scores must be an array of 271 numbers"}, tokens);
  with("tokenizer.ggml.pre", gguf_value::text("tekken"));
  expect_error(errc::unsupported, {"tokenizer.ggml.pre", "tekken", "qwen2, llama-bpe"}, tokens);
  with("tokenizer.ggml.token_type", gguf_value::i32s({1, 2}));
  expect_error(errc::bad_file, {"tokenizer.ggml.token_type", "271"}, tokens);
  with("tokenizer.ggml.merges", gguf_value::texts({"x yy"}));
  expect_error(errc::bad_file, {"x.gguf (keys as tokenizer.json): model.merges[0]", "yy"}, tokens);
  with("tokenizer.ggml.add_bos_token", gguf_value::boolean(true));
  BOOST_TEST(tokenizer::of_model(path).encode("a") == (token_ids{268, 64}), boost::test_tools::per_element());
  with("tokenizer.ggml.bos_token_id", gguf_value::u32(271));
  BOOST_CHECK_NO_THROW(tokens());  // no text begins with it
}
