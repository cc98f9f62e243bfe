// config.json, generation_config.json and tokenizer_config.json, a byte of 0 between them.
#include <lm/config.hpp>

#include <fuzz/fuzz.hpp>

namespace model_config_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  const std::vector<std::string> files = fuzz::parts_of(input, 3);
  (void)fuzz::write_scratch("config.json", files[0]);
  (void)fuzz::write_scratch("generation_config.json", files[1].empty() ? "{}" : files[1]);
  (void)fuzz::write_scratch("tokenizer_config.json", files[2].empty() ? "{}" : files[2]);
  fuzz::may_refuse([] {
    const lm::model_config config = lm::read_config(fuzz::scratch_folder());
    fuzz::require(config.query_width() > 0 && config.key_width() > 0, "widths are positive");
    fuzz::require(config.heads % config.key_value_heads == 0, "heads are a multiple of key/value heads");
    for (const std::int32_t id : config.end_of_text)
      fuzz::require(id >= 0 && id < config.vocabulary, "ids lie in the vocabulary");
  });
  fuzz::may_refuse([] { (void)lm::padding_token(fuzz::scratch_folder()); });
}

const qgrain::fuzz::target registered("model_config", run);

}  // namespace model_config_target
