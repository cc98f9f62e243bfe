// What the benchmark programs of the language model share: their arguments and their texts.
#ifndef QGRAIN_BENCH_SUPPORT_PROGRAM_HPP
#define QGRAIN_BENCH_SUPPORT_PROGRAM_HPP

#include <common/file.hpp>
#include <lm/model.hpp>
#include <lm/rows.hpp>
#include <lm/tokenizer.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace qgrain::bench {

/// The lines of a text file as token ids, by the tokenizer of the model's folder.
[[nodiscard]] inline std::vector<lm::token_ids> encoded_lines(const std::string& model, const std::string& text_file) {
  const lm::tokenizer tokenizer = lm::tokenizer::load(std::filesystem::path(model) / "tokenizer.json");
  std::istringstream lines(qgrain::common::read_text_file(text_file));
  std::vector<lm::token_ids> sequences;
  for (std::string line; std::getline(lines, line);) sequences.push_back(tokenizer.encode(line));
  return sequences;
}

/// main of `PROGRAM MODEL TEXT_FILE THREADS`: body(model, texts, threads).
inline int run_program(int argc, char** argv,
                       const std::function<void(const lm::model&, const std::vector<lm::token_ids>&, int)>& body) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL TEXT_FILE THREADS\n", argv[0]);
    return 2;
  }
  try {
    const lm::model model(argv[1]);
    body(model, encoded_lines(argv[1], argv[2]), std::atoi(argv[3]));
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}

}  // namespace qgrain::bench

#endif
