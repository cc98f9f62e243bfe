// model.safetensors.index.json beside one shard.
#include <lm/checkpoint.hpp>

#include <fuzz/fuzz.hpp>

namespace checkpoint_index_target {

using namespace qgrain;

void write_shard() {
  lm::safetensors_writer writer(fuzz::scratch_folder() / "shard.safetensors", {{"w", lm::dtype::f32, {2, 2}}});
  const std::vector<float> values(4, 1.0F);
  writer.write_elements<float>(0, 0, values);
  writer.finish();
}

void run(fuzz::bytes input) {
  static const bool written = (write_shard(), true);
  (void)written;
  (void)fuzz::write_scratch("model.safetensors.index.json", fuzz::text_of(input));
  fuzz::may_refuse([] {
    const lm::checkpoint checkpoint(fuzz::scratch_folder());
    const std::vector<std::int64_t> shape{2, 2};
    checkpoint.require("w", shape);
    std::vector<float> values(4);
    checkpoint.read("w", 0, values);
  });
}

const fuzz::target registered("checkpoint_index", run);

}  // namespace checkpoint_index_target
