// What the engine tests share: the embedded model and its caption files on both data paths.
#ifndef QGRAIN_TESTS_ENGINE_ENGINE_SUPPORT_HPP
#define QGRAIN_TESTS_ENGINE_ENGINE_SUPPORT_HPP

#include <engine/score/engine.hpp>
#include <lm/lm_support.hpp>
#include <lm/tokenizer.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace qgrain::engine::testing {

using lm::testing::model_dir;
using lm::testing::source_dir;

inline const lm::model& tiny() {
  static const lm::model m(model_dir);
  return m;
}

inline std::vector<lm::token_ids> captions(const std::string& file_name, std::size_t limit = 100000) {
  const lm::tokenizer t = lm::tokenizer::load(model_dir / "tokenizer.json");
  std::ifstream file(source_dir / "examples/data" / file_name);
  std::vector<lm::token_ids> sequences;
  for (std::string line; sequences.size() < limit && std::getline(file, line);) sequences.push_back(t.encode(line));
  return sequences;
}

/// `driver`: left padding to 512 in batches of 8; `plain`: every caption alone.
inline lm::packed_rows rows_of(const std::vector<lm::token_ids>& sequences, const std::string& data_path) {
  const lm::packing how = data_path == "driver" ? lm::packing{lm::padding::left, 512, 8, 1021, 1021}
                                                : lm::packing{lm::padding::none, 0, 1, -1, 1021};
  return lm::pack(sequences, how, tiny().config().vocabulary);
}

}  // namespace qgrain::engine::testing

#endif
