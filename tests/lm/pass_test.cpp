// Promises of the layer-wise pass: the same bits for any number of threads, gradients equal to finite differences.
#include <lm/division.hpp>
#include <lm/lm_support.hpp>
#include <lm/row_division.hpp>
#include <lm/tokenizer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <fstream>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::thread_pool;

std::vector<token_ids> captions(const std::string& size, std::size_t limit) {
  const tokenizer t = tokenizer::load(model_dir / "tokenizer.json");
  std::ifstream file(source_dir / "examples/data" / ("captions_" + size + ".txt"));
  std::vector<token_ids> sequences;
  for (std::string line; sequences.size() < limit && std::getline(file, line);) sequences.push_back(t.encode(line));
  return sequences;
}

// Everything that a pass computes, as bytes.
struct outcome {
  std::vector<float> logits;
  std::vector<double> losses;
  std::vector<sample_collector::linear_data> linears;
};

outcome run(const model& m, const packed_rows& rows, int threads, const pass_limits& limits) {
  thread_pool pool(threads);
  layer_pass pass({m, rows, pool, limits});
  pass.forward(layer_pass::keep::all_states);
  outcome result;
  result.logits.resize(static_cast<std::size_t>(rows.rows() * m.config().vocabulary));
  pass.logits([&](index_t first_row, index_t first_output, const_matrix slab) {
    as_matrix(result.logits.data(), rows.rows(), m.config().vocabulary)
        .block(first_row, first_output, slab.rows(), slab.cols()) = slab;
  });
  for (const loss_report::batch& batch : pass.loss().batches) result.losses.push_back(batch.loss);
  sample_collector collector(m, rows.rows());
  pass.backward(collector);
  result.linears = std::move(collector.linears);
  return result;
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace

#ifdef QGRAIN_SANITIZED  // which is slow
constexpr int other_thread_counts[] = {3};
#else
constexpr int other_thread_counts[] = {2, 3, 1};
#endif

BOOST_AUTO_TEST_CASE(threads_do_not_change_a_bit) {
  const model m(model_dir);
  const std::vector<token_ids> sequences = captions("medium", 40);
  for (const packing& how : {packing{}, packing{padding::left, 64, 8, 1021, 1021}}) {
    const packed_rows rows = pack(sequences, how, m.config().vocabulary);
    for (const pass_limits& limits : {pass_limits{}, pass_limits{1 << 21, 300 * 128 * 4, 200 * 300 * 4}}) {
      const outcome one = run(m, rows, 1, limits);
      for (const int threads : other_thread_counts) {
        const outcome other = run(m, rows, threads, limits);
        BOOST_TEST(same_bytes(one.logits, other.logits));
        BOOST_TEST(same_bytes(one.losses, other.losses));
        for (std::size_t l = 0; l < one.linears.size(); ++l) {
          BOOST_TEST(same_bytes(one.linears[l].x, other.linears[l].x));
          BOOST_TEST(same_bytes(one.linears[l].y, other.linears[l].y));
          BOOST_TEST(same_bytes(one.linears[l].gradient, other.linears[l].gradient));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(weights_that_stay_change_no_bit) {
  const model m(model_dir);
  const packed_rows rows = pack(captions("medium", 8), {}, m.config().vocabulary);
  const outcome none = run(m, rows, 2, {});
  const index_t block = block_source(m).block_bytes();
  for (const index_t blocks : {2, 100}) {
    pass_limits limits;
    limits.kept_weight_bytes = blocks * block;
    const outcome some = run(m, rows, 2, limits);
    BOOST_TEST(same_bytes(none.logits, some.logits));
    BOOST_TEST(same_bytes(none.losses, some.losses));
    for (std::size_t l = 0; l < none.linears.size(); ++l)
      BOOST_TEST(same_bytes(none.linears[l].gradient, some.linears[l].gradient));
  }
}

// The file is cut while it is open: what would be read again is not there any more.
BOOST_AUTO_TEST_CASE(what_stays_is_not_read_again) {
  const temporary_folder folder;
  for (const char* name : {"config.json", "model.safetensors"}) std::filesystem::copy(model_dir / name, folder.path());
  const model m(folder.path());
  thread_pool pool(2);
  block_source two(m, 2 * block_source(m).block_bytes());
  block_source none(m);
  std::vector<float> first;
  for (index_t layer = 0; layer < 4; ++layer) {
    static_cast<void>(none.read(layer, {}, pool));
    const block_weights& block = two.read(layer, layer + 1, pool);
    if (layer == 0) first.assign(block.linears[0].data(), block.linears[0].data() + block.linears[0].size());
  }
  std::filesystem::resize_file(folder.path() / "model.safetensors", 1000);
  for (const index_t layer : {3, 1, 0, 3}) static_cast<void>(two.read(layer, {}, pool));
  const const_matrix again = two.read(0, {}, pool).linears[0];
  BOOST_TEST(std::equal(first.begin(), first.end(), again.data()));
  static_cast<void>(none.read(3, {}, pool));
  expect_error(qgrain::errc::bad_file, {"the file ends"}, [&] { static_cast<void>(none.read(0, {}, pool)); });
  expect_error(qgrain::errc::bad_file, {"the file ends"}, [&] { static_cast<void>(two.read(2, {}, pool)); });
}

BOOST_AUTO_TEST_CASE(every_stored_loss) {
  const boost::json::value reference = qgrain::common::read_json_file(data_dir / "lm_reference.json");
  const model m(model_dir);
  thread_pool pool(2);
  int compared = 0;
  for (const std::string size : {"small", "medium"}) {
    const std::vector<token_ids> sequences = captions(size, 1000);
    for (const std::string path : {"driver", "plain"}) {
      const boost::json::object& wanted = reference.at("losses").at(size + "_f32").at(path).as_object();
      const packing how =
          path == "driver" ? packing{padding::left, 512, 8, 1021, 1021} : packing{padding::none, 0, 1, -1, 1021};
      const packed_rows rows = pack(sequences, how, m.config().vocabulary);
      layer_pass pass({m, rows, pool});
      pass.forward(layer_pass::keep::last_state);
      const loss_report found = pass.loss();
      const boost::json::array& batches = wanted.at("batches").as_array();
      BOOST_TEST_REQUIRE(found.batches.size() == batches.size());
      for (std::size_t i = 0; i < batches.size(); ++i) {
        BOOST_TEST(std::abs(found.batches[i].loss - batches[i].at("loss").as_double()) <= 1e-5);
        BOOST_TEST(found.batches[i].targets == batches[i].at("targets").as_int64());
        ++compared;
      }
      BOOST_TEST(std::abs(found.mean_of_batches - wanted.at("mean_of_batches").as_double()) <= 1e-5);
      BOOST_TEST(std::abs(found.mean_over_targets - wanted.at("mean_over_targets").as_double()) <= 1e-5);
    }
  }
  BOOST_TEST_MESSAGE(compared << " of 162 batch losses compared");
  BOOST_TEST(compared == 2 + 16 + 16 + 128);
}

BOOST_AUTO_TEST_CASE(gradient_norms_of_the_first_padded_batch) {
  const boost::json::value reference = qgrain::common::read_json_file(data_dir / "lm_reference.json");
  const boost::json::object& wanted = reference.at("gradients").at("driver_batch_0").as_object();
  const model m(model_dir);
  const packed_rows rows = pack(captions("small", 8), {padding::left, 512, 8, 1021, 1021}, m.config().vocabulary);
  const outcome found = run(m, rows, 2, {});
  BOOST_TEST(std::abs(found.losses.at(0) - wanted.at("loss").as_double()) <= 1e-5);
  for (std::size_t l = 0; l < m.linears().size(); ++l) {
    const linear_info& info = m.linears()[l];
    const auto g = as_matrix(found.linears[l].gradient.data(), rows.rows(), info.out);
    const double norm = g.cast<double>().norm();
    BOOST_TEST(std::abs(norm / wanted.at("l2").at(info.name).to_number<double>() - 1) <= 1e-4, info.name);
    index_t with_gradient = 0;
    for (index_t row = 0; row < g.rows(); ++row) with_gradient += g.row(row).any() ? 1 : 0;
    // A sequence's first token attends to itself alone: its query has no effect. Here its gradient is exactly 0, in the
    // reference a rounding error.
    const std::int64_t first_tokens = info.name.ends_with("q_proj") ? 8 : 0;
    BOOST_TEST(with_gradient == wanted.at("rows_with_gradient").at(info.name).as_int64() - first_tokens, info.name);
  }
}

namespace {

// A copy of the embedded model in f32 with one element of one tensor changed by `step`.
void write_changed_model(const std::filesystem::path& folder, const std::string& tensor, std::int64_t element,
                         float step) {
  std::filesystem::copy_file(model_dir / "config.json", folder / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  const safetensors_file original(model_dir / "model.safetensors");
  std::vector<tensor_plan> plan;
  for (const tensor_info& t : original.tensors()) plan.push_back({t.name, dtype::f32, t.shape});
  safetensors_writer writer(folder / "model.safetensors", plan);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    std::vector<float> values = floats_of(original, plan[i].name);
    if (plan[i].name == tensor) values[static_cast<std::size_t>(element)] += step;
    writer.write_elements<float>(i, 0, values);
  }
  writer.finish();
}

double summed_loss(const std::filesystem::path& folder, const packed_rows& rows) {
  const model m(folder);
  thread_pool pool(2);
  layer_pass pass({m, rows, pool});
  pass.forward(layer_pass::keep::last_state);
  double sum = 0;
  for (const loss_report::batch& batch : pass.loss().batches) sum += batch.loss;
  return sum;
}

}  // namespace

// d loss / d weight[o, i] = sum over rows of gradient[row, o] * x[row, i]: the samples must predict what a change of
// the weight does to the loss. The weights chosen have gradients large enough for f32.
BOOST_AUTO_TEST_CASE(gradients_equal_central_finite_differences) {
  const model m(model_dir);
  const std::vector<token_ids> sequences = captions("small", 2);
  for (const packing& how : {packing{padding::none, 0, 2, -1, {}}, packing{padding::left, 48, 2, 1021, 1021}}) {
    const packed_rows rows = pack(sequences, how, m.config().vocabulary);
    const outcome found = run(m, rows, 2, {});
    const temporary_folder folder;
    for (std::size_t l = 0; l + 1 < m.linears().size(); l += 5) {  // the tied head's weight is the embedding's as well
      const linear_info& info = m.linears()[l];
      const Eigen::MatrixXd gradient =
          as_matrix(found.linears[l].gradient.data(), rows.rows(), info.out).cast<double>().transpose() *
          as_matrix(found.linears[l].x.data(), rows.rows(), info.in).cast<double>();
      Eigen::Index o = 0;
      Eigen::Index i = 0;
      gradient.cwiseAbs().maxCoeff(&o, &i);
      const float step = 0.02F;
      const std::int64_t element = o * info.in + i;
      write_changed_model(folder.path(), info.name + ".weight", element, step);
      const double above = summed_loss(folder.path(), rows);
      write_changed_model(folder.path(), info.name + ".weight", element, -step);
      const double below = summed_loss(folder.path(), rows);
      const double slope = (above - below) / (2 * static_cast<double>(step));
      BOOST_TEST(std::abs(slope - gradient(o, i)) <= 0.01 * std::abs(gradient(o, i)) + 2e-5, info.name);
    }
  }
}

// By hand: the largest part is as small as cuts between items allow, and nobody is idle while items are left.
BOOST_AUTO_TEST_CASE(items_are_divided_evenly) {
  using bounds = std::vector<index_t>;
  const auto divided = [](const std::vector<index_t>& sizes, index_t parts) { return divide(sizes, parts); };
  BOOST_TEST((divided({5, 5, 1}, 2) == bounds{0, 1, 3}));
  BOOST_TEST((divided({5, 5, 1}, 3) == bounds{0, 1, 2, 3}));
  BOOST_TEST((divided({1, 1, 1, 1, 1}, 2) == bounds{0, 3, 5}));
  BOOST_TEST((divided({1, 1, 1, 1, 1}, 4) == bounds{0, 2, 3, 4, 5}));
  BOOST_TEST((divided({1, 2, 9, 2, 1}, 3) == bounds{0, 2, 3, 5}));
  BOOST_TEST((divided({7, 3}, 1) == bounds{0, 2}));
  BOOST_TEST((divided({7, 3}, 4) == bounds{0, 1, 2, 2, 2}));
  BOOST_TEST((divided({}, 2) == bounds{0, 0, 0}));
}

// By hand: even shares, each ending where a unit ends; no more bundles than units.
BOOST_AUTO_TEST_CASE(bundles_are_even_shares_of_whole_units) {
  using bounds = std::vector<index_t>;
  BOOST_TEST((cut_bundles(0, bounds{10, 20, 30, 40, 50, 60}, 3) == bounds{0, 20, 40, 60}));
  BOOST_TEST((cut_bundles(100, bounds{110, 125, 160, 170}, 2) == bounds{100, 125, 170}));
  BOOST_TEST((cut_bundles(0, bounds{500, 510, 520}, 4) == bounds{0, 500, 520}));
  BOOST_TEST((cut_bundles(0, bounds{7, 9}, 8) == bounds{0, 7, 9}));
  BOOST_TEST((cut_bundles(5, bounds{}, 3) == bounds{5}));
  // 1,923 rows: 15 or 16 bundles of 128; 16 are what more numbers of ranks divide.
  BOOST_TEST(bundle_count(1923, 128) == 16);
  BOOST_TEST(bundle_count(10220, 512) == 16);
  BOOST_TEST(bundle_count(16000, 512) == 32);
  BOOST_TEST(bundle_count(1400, 128) == 12);
  BOOST_TEST(bundle_count(1000, 128) == 8);
  BOOST_TEST(bundle_count(600, 128) == 4);
  BOOST_TEST(bundle_count(130, 128) == 1);
  BOOST_TEST(bundle_count(5, 128) == 1);
  BOOST_TEST(bundle_count(5, 0) >= 5);
  // A thirty-second of the rows, 128 at least (256 of a wide model), 512 at most; what fits into memory.
  BOOST_TEST(rows_of_bundle(1923, 128, {}, 1 << 20) == 128);
  BOOST_TEST(rows_of_bundle(1923, 1024, {}, 1 << 20) == 256);
  BOOST_TEST(rows_of_bundle(4800, 128, {}, 1 << 20) == 150);
  BOOST_TEST(rows_of_bundle(100'000, 128, {}, 1 << 20) == 512);
  BOOST_TEST(rows_of_bundle(100'000, 128, {}, 40) == 40);
  // Tasks of about 128 rows within a bundle, and none across two.
  BOOST_TEST((task_bounds(390, bounds{0, 120, 390}) == bounds{0, 120, 255, 390}));
  BOOST_TEST((task_bounds(300, bounds{}) == bounds{0, 128, 256, 300}));
  BOOST_TEST((task_bounds(0, bounds{}) == bounds{0}));
}

// A rank of several, which nobody talks to.
class silent_rank final : public qgrain::common::communicator {
 public:
  silent_rank(int rank, int size) : rank_(rank), size_(size) {}
  [[nodiscard]] int rank() const noexcept override { return rank_; }
  [[nodiscard]] int size() const noexcept override { return size_; }
  [[nodiscard]] std::vector<std::string> gather(std::string_view) override { return {}; }
  void share(std::span<std::byte>, std::span<const std::size_t>) override {}
  void widen(std::span<float>) override {}
  [[noreturn]] void abort(int code) noexcept override { std::_Exit(code); }
  [[nodiscard]] std::int64_t sent_bytes() const noexcept override { return 0; }

 private:
  int rank_;
  int size_;
};

// However many ranks there are and whatever fits into memory: every row is one rank's, no bundle is parted or depends
// on either, and no rank has much more than its share.
BOOST_AUTO_TEST_CASE(rows_fall_to_ranks_in_the_same_bundles) {
  const packed_rows rows = pack(captions("medium", 128), {padding::none, 0, 8, -1, {}}, 1024);
  const index_t scored = rows.sequences[95].end();  // 12 of the 16 batches
  const auto bundles_of_ranks = [&](int ranks, index_t fitting, index_t* most) {
    std::vector<index_t> begins, scored_begins;
    index_t covered = 0;
    *most = 0;
    for (int r = 0; r < ranks; ++r) {
      const silent_rank rank(r, ranks);
      const row_division division(rows, {scored, fitting, 128, false, false, &rank});
      index_t own = 0;
      for (const chunk& part : division.own()) {
        BOOST_TEST(part.rows() <= std::max<index_t>(fitting, 192));
        BOOST_TEST(part.rows() <= division.capacity());
        BOOST_TEST(rows.sequences[static_cast<std::size_t>(part.first_sequence)].begin == part.begin);
        BOOST_TEST(rows.sequences[static_cast<std::size_t>(part.end_sequence) - 1].end() == part.end);
        for (std::size_t b = 0; b + 1 < part.bundles.size(); ++b) begins.push_back(part.begin + part.bundles[b]);
        covered += part.rows();
        if (part.end <= scored) own += part.rows();
      }
      *most = std::max(*most, own);
      const std::vector<index_t> bounds = division.row_bounds(ranks);
      BOOST_TEST(own == bounds[static_cast<std::size_t>(r) + 1] - bounds[static_cast<std::size_t>(r)]);
    }
    BOOST_TEST(covered == rows.rows());
    std::sort(begins.begin(), begins.end());
    return begins;
  };
  index_t most = 0;
  const std::vector<index_t> alone = bundles_of_ranks(1, 1 << 20, &most);
  BOOST_TEST(most == scored);
  for (const int ranks : {1, 2, 3, 4, 5, 40}) {
    for (const index_t fitting : {index_t{1} << 20, index_t{700}, index_t{130}}) {
      BOOST_TEST((bundles_of_ranks(ranks, fitting, &most) == alone), ranks << " ranks, " << fitting << " rows fit");
      if (ranks <= 4) BOOST_TEST(most <= scored / ranks + 80);
    }
  }
}

// Of the busiest rank, in products of a row and a weight: three for a row and one more for each of its jobs.
BOOST_AUTO_TEST_CASE(ranks_divide_rows_first_and_then_jobs) {
  const auto grid_of = [](index_t bundles, index_t ranks, const job_load& load) {
    std::vector<index_t> bounds{0};
    for (index_t b = 0; b < bundles; ++b) bounds.push_back(bounds.back() + 512);
    const rank_grid grid = choose_grid(bounds, ranks, load, 4096);
    return std::pair(grid.row_shares, grid.job_shares);
  };
  using shares = std::pair<index_t, index_t>;
  const job_load jobs{24, 6};
  BOOST_TEST((grid_of(16, 1, jobs) == shares{1, 1}));
  BOOST_TEST((grid_of(16, 4, jobs) == shares{4, 1}));
  BOOST_TEST((grid_of(16, 16, jobs) == shares{16, 1}));
  BOOST_TEST((grid_of(16, 32, jobs) == shares{16, 2}));
  BOOST_TEST((grid_of(16, 64, jobs) == shares{16, 4}));
  BOOST_TEST((grid_of(16, 1000, jobs) == shares{16, 24}));  // the others have nothing to do
  // All rows and a third of the jobs (3 + 8), not half of the rows (27 / 2) with a rank too many.
  BOOST_TEST((grid_of(2, 3, jobs) == shares{1, 3}));
  // One rank without work (15 / 2) rather than all rows on five (3 + 5).
  BOOST_TEST((grid_of(2, 5, jobs) == shares{2, 2}));
  BOOST_TEST((grid_of(16, 17, jobs) == shares{16, 1}));
  // Nothing but rows.
  BOOST_TEST((grid_of(2, 8, {}) == shares{2, 1}));
  BOOST_TEST((grid_of(5, 4, {}) == shares{4, 1}));
  BOOST_TEST((grid_of(0, 4, jobs) == shares{1, 1}));
}

// Making a weight takes the time of 40 products: where bundles are small and every job has a weight of its own it is
// better made by one rank only.
BOOST_AUTO_TEST_CASE(weights_that_take_longest_are_divided_before_rows) {
  const std::vector<index_t> bounds{0, 20, 40, 60, 80};
  const rank_grid many = choose_grid(bounds, 4, {100, 100}, 1000);
  BOOST_TEST((many.row_shares == 1 && many.job_shares == 4));  // 80 x 28 + 25 x 40, not 20 x 103 + 100 x 40
  const rank_grid few = choose_grid(bounds, 4, {100, 1}, 1000);
  BOOST_TEST((few.row_shares == 4 && few.job_shares == 1));
}
