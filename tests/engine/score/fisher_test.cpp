// Labels drawn from the prediction: their frequencies, what they do not depend on, and the scores that they give.
#include <engine/engine_support.hpp>
#include <engine/score/fisher.hpp>
#include <lm/labels.hpp>
#include <lm/pass.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/rank_correlation.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;

std::vector<std::int32_t> labels_of(const lm::packed_rows& rows, const lm::label_draw& draw, int threads,
                                    const lm::pass_limits& limits) {
  thread_pool pool(threads);
  lm::layer_pass pass({tiny(), rows, pool, limits});
  pass.forward(lm::layer_pass::keep::last_state);
  static_cast<void>(pass.loss(draw));
  return {pass.labels().begin(), pass.labels().end()};
}

}  // namespace

// Chi-square of 20000 draws from known distributions. Entries of small expectation are one class. The limit is the mean
// of the distribution plus five standard deviations: it fails by chance once in a million seeds, and this seed is
// fixed.
BOOST_AUTO_TEST_CASE(drawn_labels_follow_the_softmax) {
  constexpr index_t entries = 50;
  constexpr int draws = 20000;
  for (const float spread : {0.0F, 1.0F, 4.0F}) {
    std::vector<float> logits;
    for (index_t v = 0; v < entries; ++v) logits.push_back(spread * std::sin(static_cast<float>(v * v)) + 3.0F);
    double total = 0;
    for (const float z : logits) total += std::exp(static_cast<double>(z));
    std::vector<int> counts(static_cast<std::size_t>(entries), 0);
    for (int d = 0; d < draws; ++d) {
      lm::drawn_label label({7, static_cast<std::uint64_t>(d / 100)}, d % 100);
      label.add(logits.data(), entries, 0);
      ++counts[static_cast<std::size_t>(label.id())];
    }
    double chi_square = 0;
    double rare_expected = 0;
    double rare_count = 0;
    int classes = 0;
    for (std::size_t v = 0; v < counts.size(); ++v) {
      const double expected = draws * std::exp(static_cast<double>(logits[v])) / total;
      if (expected < 20) {
        rare_expected += expected;
        rare_count += counts[v];
        continue;
      }
      chi_square += (counts[v] - expected) * (counts[v] - expected) / expected;
      ++classes;
    }
    if (rare_expected >= 20) {
      chi_square += (rare_count - rare_expected) * (rare_count - rare_expected) / rare_expected;
      ++classes;
    }
    const double freedom = classes - 1;
    BOOST_TEST(chi_square <= freedom + 5 * std::sqrt(2 * freedom),
               "spread " << spread << ": " << chi_square << " for " << freedom << " degrees of freedom");
    BOOST_TEST(chi_square >= freedom - 4 * std::sqrt(2 * freedom));
  }
}

// The bound that spares logarithms is no more than a shortcut: the label is the arg max of all noisy logits.
BOOST_AUTO_TEST_CASE(a_label_is_the_largest_noisy_logit) {
  constexpr std::uint64_t golden = 0x9E37'79B9'7F4A'7C15ULL;
  const auto mixed = [](std::uint64_t w) {
    w = (w ^ (w >> 30U)) * 0xBF58'476D'1CE4'E5B9ULL;
    w = (w ^ (w >> 27U)) * 0x94D0'49BB'1331'11EBULL;
    return w ^ (w >> 31U);
  };
  for (std::uint64_t row = 0; row < 300; ++row) {
    std::vector<float> logits;
    for (std::uint64_t v = 0; v < 200; ++v) logits.push_back(3.0F * std::cos(static_cast<float>(row * 31 + v * v)));
    const std::uint64_t key = mixed(mixed(mixed(11 + golden) + (5 + 1) * golden) + (row + 1) * golden);
    double largest = -INFINITY;
    std::int32_t wanted = -1;
    for (std::size_t v = 0; v < logits.size(); ++v) {
      const double u = (static_cast<double>(mixed(key + (v + 1) * golden) >> 11U) + 0.5) * std::ldexp(1.0, -53);
      const double noisy = static_cast<double>(logits[v]) - std::log(-std::log(u));
      if (noisy > largest) {
        largest = noisy;
        wanted = static_cast<std::int32_t>(v);
      }
    }
    lm::drawn_label whole({11, 5}, static_cast<index_t>(row));
    whole.add(logits.data(), 200, 0);
    lm::drawn_label pieces({11, 5}, static_cast<index_t>(row));
    for (index_t first = 0; first < 200; first += 37)
      pieces.add(logits.data() + first, std::min<index_t>(37, 200 - first), first);
    BOOST_TEST(whole.id() == wanted);
    BOOST_TEST(pieces.id() == wanted);
  }
}

BOOST_AUTO_TEST_CASE(threads_and_slabs_do_not_change_the_labels) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  const std::vector<std::int32_t> wanted = labels_of(rows, {3, 0}, 1, {});
  BOOST_TEST(wanted == labels_of(rows, {3, 0}, 2, {}));
  BOOST_TEST(wanted == labels_of(rows, {3, 0}, 3, {1 << 20, 300 * 128 * 4, 50 * 300 * 4}));
  BOOST_TEST(wanted == labels_of(rows, {3, 0}, 2, {1 << 20, 7 * 128 * 4, 1}));
  BOOST_TEST(wanted != labels_of(rows, {3, 1}, 2, {}));
  BOOST_TEST(wanted != labels_of(rows, {4, 0}, 2, {}));
}

// A text whose next tokens are the drawn labels gives the same scores by the plain gradient.
BOOST_AUTO_TEST_CASE(scores_are_gradient_scores_of_the_drawn_text) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 10), "driver");
  thread_pool pool(2);
  const std::vector<job> jobs{{"int4/group32", "fp16"}, {"int8/per_tensor", "int8/per_token_dynamic"}};
  const auto with_labels = [&](std::uint64_t draw) {
    lm::packed_rows drawn = rows;
    const std::vector<std::int32_t> labels = labels_of(rows, {9, draw}, 2, {});
    std::size_t next = 0;
    for (std::int32_t& target : drawn.targets) {
      if (target >= 0) target = labels[next++];
    }
    BOOST_TEST(next == labels.size());
    return score_jobs(tiny(), drawn, jobs, pool);
  };
  const engine_result first = with_labels(0);
  const engine_result second = with_labels(1);
  const engine_result one = fisher_scores(tiny(), rows, jobs, pool, {}, {9, 1});
  const engine_result two = fisher_scores(tiny(), rows, jobs, pool, {}, {9, 2});
  const engine_result text = score_jobs(tiny(), rows, jobs, pool);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    BOOST_TEST(std::memcmp(one.scores[j].data(), first.scores[j].data(), 43 * sizeof(double)) == 0);
    for (std::size_t l = 0; l < 43; ++l)
      BOOST_TEST(two.scores[j][l] == (first.scores[j][l] + second.scores[j][l]) / 2.0);
    BOOST_TEST(one.scores[j] != text.scores[j]);
    BOOST_TEST(sensitivity::spearman(one.scores[j], text.scores[j]) > 0.8);
  }
  BOOST_TEST(one.loss.mean_over_targets == text.loss.mean_over_targets);
  lm::testing::expect_error(errc::invalid_argument, {"draw"}, [&] {
    static_cast<void>(fisher_scores(tiny(), rows, jobs, pool, {}, {9, 0}));
  });
}
