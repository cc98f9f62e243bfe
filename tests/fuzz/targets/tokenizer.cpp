// tokenizer.json, tokenizer_config.json and a text, a byte of 0 between them.
#include <lm/tokenizer.hpp>

#include <fuzz/fuzz.hpp>

namespace tokenizer_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  const std::vector<std::string> parts = fuzz::parts_of(input, 3);
  const std::filesystem::path path = fuzz::write_scratch("tokenizer.json", parts[0]);
  (void)fuzz::write_scratch("tokenizer_config.json", parts[1].empty() ? "{}" : parts[1]);
  fuzz::may_refuse([&] {
    const lm::tokenizer tokenizer = lm::tokenizer::load(path);
    fuzz::may_refuse([&] {
      const std::vector<std::int32_t> ids = tokenizer.encode(parts[2]);
      for (const std::int32_t id : ids)
        fuzz::require(id >= 0 && id < tokenizer.vocabulary_size(), "ids lie in the vocabulary");
      (void)tokenizer.decode(ids);
    });
  });
}

const qgrain::fuzz::target registered("tokenizer", run);

}  // namespace tokenizer_target
