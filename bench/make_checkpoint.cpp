// A checkpoint of random weights in the shape of a model that people use: config.json, sharded bfloat16 safetensors,
// and ids.safetensors, five sequences of 67 random tokens.
//   make_checkpoint SHAPE FOLDER [LAYERS [SEED [TOKENIZER_FOLDER]]]
// LAYERS - are as many as the shape has. With SEED "empty" the files hold no weights and take no place: for plans.
// In memory is a megabyte of weights at a time. Tokenizer files are copied from TOKENIZER_FOLDER, if one is named.
#include <support/reported.hpp>
#include <support/synthetic_model.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace {

namespace fs = std::filesystem;
using namespace qgrain;
using qgrain::testing::synthetic_model;

struct named_shape {
  std::string_view name;
  synthetic_model model;
};
// Qwen3's, but for 0.1B and Llama 3's 70B: layers, hidden, intermediate, vocabulary, heads, key/value heads, head size,
// layers of a shard, tied head; experts, of a token, their width.
constexpr std::array<named_shape, 8> shapes{{
    {"0.1B", {12, 768, 2304, 32768, 12, 4, 64, 12}},
    {"0.6B", {28, 1024, 3072, 151936, 16, 8, 128, 28}},
    {"1.7B", {28, 2048, 6144, 151936, 16, 8, 128, 14}},
    {"4B", {36, 2560, 9728, 151936, 32, 8, 128, 12}},
    {"8B", {36, 4096, 12288, 151936, 32, 8, 128, 6, false}},
    {"32B", {64, 5120, 25600, 151936, 64, 8, 128, 4, false}},
    {"70B", {80, 8192, 28672, 128256, 64, 8, 128, 4, false}},
    {"30B-A3B", {48, 2048, 6144, 151936, 32, 4, 128, 3, false, 128, 8, 768}},
}};

const synthetic_model& shape_named(std::string_view name) {
  std::array<std::string_view, shapes.size()> names;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i].name == name) return shapes[i].model;
    names[i] = shapes[i].name;
  }
  throw unknown_name_error("shape", name, names);
}

void write_ids(const synthetic_model& m, const fs::path& path) {
  constexpr std::int64_t sequences = 5;
  constexpr std::int64_t length = 67;
  std::mt19937_64 random(m.seed);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(sequences * length));
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(m.vocabulary));
  lm::safetensors_writer writer(path, {{"ids", lm::dtype::i32, {sequences, length}}});
  writer.write_elements(0, 0, std::span<const std::int32_t>(ids));
  writer.finish();
}

std::int64_t number_of(const char* text, const char* what) {
  char* end = nullptr;
  const std::int64_t number = std::strtoll(text, &end, 10);
  if (end == text || *end != '\0' || number < 1)
    throw error(errc::invalid_argument, std::string(what) + " is \"" + text + "\", not a number from 1 on");
  return number;
}

int run(int argc, char** argv) {
  if (argc < 3 || argc > 6) {
    std::fprintf(stderr, "make_checkpoint SHAPE FOLDER [LAYERS [SEED [TOKENIZER_FOLDER]]]\n");
    return 2;
  }
  synthetic_model m = shape_named(argv[1]);
  if (argc > 3 && argv[3] != std::string_view("-")) m.layers = number_of(argv[3], "LAYERS");
  const bool is_empty = argc > 4 && argv[4] == std::string_view("empty");
  if (argc > 4 && !is_empty) m.seed = static_cast<std::uint64_t>(number_of(argv[4], "SEED"));
  const fs::path folder = argv[2];
  if (fs::exists(folder)) throw error(errc::invalid_argument, folder.string() + " exists already");
  if (argc > 5 && !fs::exists(fs::path(argv[5]) / "tokenizer.json"))
    throw error(errc::io_failure, std::string(argv[5]) + " has no tokenizer.json");
  qgrain::testing::write_synthetic_model(m, folder, !is_empty);
  write_ids(m, folder / "ids.safetensors");
  if (argc > 5) {
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
      if (fs::exists(fs::path(argv[5]) / name)) fs::copy_file(fs::path(argv[5]) / name, folder / name);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::reported("make_checkpoint", run, argc, argv); }
