// Memory of scoring a model with experts, counted at operator new: one of them at a time, whatever their number.
#include <engine/score/engine.hpp>
#include <lm/lm_support.hpp>
#include <support/counted_memory.hpp>
#include <support/synthetic_model.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;

// All Linears of a layer's experts together, as ModelOpt groups them.
std::vector<linear_group> groups_of(const lm::model& m) {
  std::vector<linear_group> groups(static_cast<std::size_t>(m.config().layers));
  for (std::size_t l = 0; l < m.linears().size(); ++l) {
    if (m.is_of_expert(static_cast<index_t>(l))) groups[static_cast<std::size_t>(m.linears()[l].layer)].push_back(l);
  }
  return groups;
}

}  // namespace

BOOST_AUTO_TEST_CASE(one_block_one_expert_its_quantized_weights_and_the_inputs) {
  const lm::testing::temporary_folder folder;
  qgrain::testing::synthetic_model shape;
  shape.layers = 2;
  shape.hidden = 256;
  shape.intermediate = 256;
  shape.vocabulary = 256;
  shape.heads = 4;
  shape.key_heads = 2;
  shape.experts = 64;
  shape.experts_per_token = 2;
  shape.expert_width = 256;
  qgrain::testing::write_synthetic_model(shape, folder.path() / "model");
  std::vector<lm::token_ids> texts(6);
  for (std::int32_t i = 0; i < 240; ++i) texts[static_cast<std::size_t>(i % 6)].push_back((i * i + 3 * i) % 256);

  const std::int64_t before = live_bytes;
  const lm::model m(folder.path() / "model");
  const lm::packed_rows rows = lm::pack(texts, {}, m.config().vocabulary);
  thread_pool pool(2);
  engine_options options;
  options.expert_groups = groups_of(m);
  options.variant_bytes = 1;
  options.limits = {1, 1 << 16, 1 << 16};
  const std::vector<job> jobs{{"int4/group32", "fp16"}, {"int8/per_out_channel", "int8/per_token_dynamic"}};
  peak_bytes = live_bytes.load();
  {
    const engine_result found = score_jobs(m, rows, jobs, pool, options);
    BOOST_TEST(found.scores[0][options.expert_groups[0].front()] > 0);
  }
  const std::int64_t peak = peak_bytes - before;

  const lm::model_config& c = m.config();
  const std::int64_t expert = 3 * c.hidden * c.expert_width * 4;
  std::int64_t block = 0;
  for (const lm::block_linear& l : m.layout(0).linears) block += l.out * l.in * 4;
  const std::int64_t inputs = (c.layers + 1) * rows.rows() * c.hidden * 4;
  // Largest magnitudes by column: of each weight and each input, and those of the result.
  std::int64_t columns = 0;
  for (const lm::linear_info& l : m.linears()) columns += l.in * 4;
  const std::int64_t bound = 2 * block + 2 * expert + inputs + 3 * columns + 3'000'000;
  BOOST_TEST_MESSAGE("peak of counted allocations " << peak << " bytes, bound " << bound << ", experts of a layer "
                                                    << c.experts * expert);
  BOOST_TEST(peak < bound);
  BOOST_TEST(bound < c.experts * expert / 4);  // the bound says something
  BOOST_TEST(peak > inputs);                   // the counter counts
}
