// Memory of a forward and backward pass, counted at operator new, against the promise of the README.
#include <lm/lm_support.hpp>
#include <lm/tokenizer.hpp>
#include <support/counted_memory.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <fstream>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;

class ignore_samples final : public backward_visitor {
 public:
  void visit(const linear_sample&) override {}
};

}  // namespace

BOOST_AUTO_TEST_CASE(peak_is_two_blocks_a_slab_the_inputs_and_100_megabytes) {
  const model m(model_dir);
  std::vector<token_ids> sequences;
  {
    const tokenizer t = tokenizer::load(model_dir / "tokenizer.json");
    std::ifstream file(source_dir / "examples/data/captions_large.txt");
    for (std::string line; std::getline(file, line);) sequences.push_back(t.encode(line));
  }
  BOOST_TEST(sequences.size() == 512U);
  const packed_rows rows = pack(sequences, {padding::left, 512, 8, 1021, 1021}, m.config().vocabulary);
  qgrain::thread_pool pool(2);
  const std::int64_t before = live_bytes;
  peak_bytes = before;
  {
    layer_pass pass({m, rows, pool});
    pass.forward(layer_pass::keep::all_states);
    static_cast<void>(pass.loss());
    ignore_samples visitor;
    pass.backward(visitor);
  }
  const model_config& c = m.config();
  std::int64_t block = 0;
  for (const block_linear& l : m.layout(0).linears) block += l.out * l.in * 4;
  const std::int64_t inputs = (c.layers + 1) * rows.rows() * c.hidden * 4;
  const std::int64_t slab = std::min(pass_limits{}.slab_bytes, m.linears().back().elements() * 4);
  const std::int64_t bound = 2 * block + slab + inputs + 100'000'000;
  const std::int64_t peak = peak_bytes - before;
  BOOST_TEST_MESSAGE("peak of counted allocations " << peak << " bytes, bound " << bound << ", of it block inputs "
                                                    << inputs);
  BOOST_TEST(peak < bound);
  BOOST_TEST(peak > inputs);  // the counter counts
  BOOST_TEST(live_bytes.load() - before < 1000);
}
