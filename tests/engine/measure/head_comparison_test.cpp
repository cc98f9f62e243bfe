// Divergence and loss of changed logits against sums in double over the written-out logits: small changes, broken
// models, logits that all move together.
#include <engine/engine_support.hpp>
#include <engine/measure/head_comparison.hpp>
#include <lm/operations.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::index_t;

const lm::packed_rows& rows() {
  static const lm::packed_rows all = lm::pack(captions("captions_small.txt", 3), {}, 1024);
  return all;
}

lm::buffer random_states(unsigned seed) {
  lm::buffer states(rows().rows() * tiny().config().hidden);
  std::mt19937 random(seed);
  std::normal_distribution<float> bell;
  for (float& x : states.all()) x = bell(random);
  return states;
}

lm::const_matrix view(const lm::buffer& states) { return states.view(rows().rows(), tiny().config().hidden); }

/// The head's logits, each changed by a rule.
class changed_head final : public lm::linear_override {
 public:
  using rule = std::function<float(float logit, index_t row, index_t entry)>;
  explicit changed_head(rule change) : change_(std::move(change)) {}
  [[nodiscard]] bool replaces(index_t) const override { return true; }
  void compute(const lm::linear_call& call) override {
    for (const lm::linear_product& p : call.outputs) {
      lm::matrix y = p.y;
      lm::linear(call.x, p.weight, p.bias, y);
      for (index_t i = 0; i < y.rows(); ++i) {
        for (index_t j = 0; j < y.cols(); ++j)
          y(i, j) = change_(y(i, j), call.rows[static_cast<std::size_t>(i)], p.first_output + j);
      }
    }
  }

 private:
  rule change_;
};

std::vector<std::vector<double>> logits(lm::const_matrix states, const changed_head::rule& change) {
  const lm::model_config& config = tiny().config();
  std::vector<float> norm(static_cast<std::size_t>(config.hidden));
  tiny().read_final_norm(norm);
  thread_pool pool(1);
  lm::buffer weight(config.vocabulary * config.hidden);
  tiny().read_head(0, weight.view(config.vocabulary, config.hidden), pool);
  std::vector<std::vector<double>> all;
  for (index_t r = 0; r < states.rows(); ++r) {
    double squares = 0;
    for (index_t i = 0; i < config.hidden; ++i) squares += std::pow(static_cast<double>(states(r, i)), 2);
    const double scale =
        1 / std::sqrt(squares / static_cast<double>(config.hidden) + static_cast<double>(config.norm_epsilon));
    std::vector<double>& row = all.emplace_back();
    for (index_t v = 0; v < config.vocabulary; ++v) {
      double sum = 0;
      for (index_t i = 0; i < config.hidden; ++i) {
        sum += static_cast<double>(states(r, i)) * scale * static_cast<double>(norm[static_cast<std::size_t>(i)]) *
               static_cast<double>(weight.data()[v * config.hidden + i]);
      }
      row.push_back(static_cast<double>(change(static_cast<float>(sum), r, v)));
    }
  }
  return all;
}

double log_sum(const std::vector<double>& z) {
  const double top = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (const double x : z) sum += std::exp(x - top);
  return top + std::log(sum);
}

void check(lm::const_matrix base, lm::const_matrix changed, const changed_head::rule& change, double tolerance,
           const char* what) {
  thread_pool pool(2);
  lm::pass_limits limits;
  limits.slab_bytes = 300 * 128 * 4;  // several slabs
  head_comparison comparison({tiny(), rows(), pool, limits}, base);
  changed_head head(change);
  const lm::buffer other = random_states(9);
  // Between others: a broken copy must not touch its neighbours.
  const std::vector<head_comparison::copy> copies{{base}, {changed, &head}, {view(other)}, {changed, &head}};
  const std::vector<row_comparison> found = comparison.compare(copies, true);
  const auto plain = [](float z, index_t, index_t) { return z; };
  const auto before = logits(base, plain);
  const std::map<std::size_t, std::vector<std::vector<double>>> after{
      {0, before}, {1, logits(changed, change)}, {2, logits(view(other), plain)}, {3, logits(changed, change)}};
  const auto count = static_cast<std::size_t>(rows().rows());
  double worst = 0;
  std::size_t choices = 0;
  for (const auto& [c, q] : after) {
    for (std::size_t r = 0; r < count; ++r) {
      const double all_before = log_sum(before[r]);
      const double all_after = log_sum(q[r]);
      double divergence = 0;
      for (std::size_t v = 0; v < q[r].size(); ++v) {
        const double a = before[r][v] - all_before;
        divergence += std::exp(a) * (a - (q[r][v] - all_after));
      }
      const row_comparison& row = found[c * count + r];
      const double scale = std::max(1.0, divergence);
      worst = std::max(worst, std::abs(row.divergence - divergence) / scale);
      BOOST_TEST(std::isfinite(row.divergence), what << ", copy " << c << ", row " << r);
      const std::int32_t target = rows().targets[r];
      if (target >= 0) {
        const auto t = static_cast<std::size_t>(target);
        const double increase = before[r][t] - all_before - (q[r][t] - all_after);
        worst = std::max(worst, std::abs(row.loss_increase - increase) / std::max(1.0, std::abs(increase)));
      }
      if (c == 0) BOOST_TEST(row.divergence == 0.0);
      const auto first = [](const std::vector<double>& z) { return std::max_element(z.begin(), z.end()) - z.begin(); };
      choices += row.same_first_choice == (first(before[r]) == first(q[r])) ? 1U : 0U;
    }
  }
  BOOST_TEST(worst <= tolerance, what << ": " << worst);
  BOOST_TEST(choices == 4 * count, what);
  BOOST_TEST_MESSAGE(what << ": " << worst);
}

}  // namespace

BOOST_AUTO_TEST_CASE(changes_of_every_size) {
  const lm::buffer base = random_states(1);
  const lm::buffer states = random_states(2);
  lm::buffer flipped = random_states(1);
  for (float& x : flipped.all()) x = -x;
  const auto keep = [](float z, index_t, index_t) { return z; };
  check(view(base), view(states), keep, 1e-5, "other states");
  check(view(base), view(flipped), keep, 1e-5, "what was likely is not");
  const auto times = [](float factor) { return [factor](float z, index_t, index_t) { return z * factor; }; };
  check(view(base), view(base), times(1.01F), 1e-5, "all but the same");
  check(view(base), view(base), times(20), 1e-4, "far too sure");
  check(view(base), view(base), times(-20), 1e-4, "far too sure of the contrary");
  // All logits together: nothing changes but the digits that are left.
  for (const float shift : {-1000.0F, -90.0F, -20.0F, 30.0F, 90.0F, 1000.0F}) {
    check(
        view(base), view(states), [shift](float z, index_t, index_t) { return z + shift; }, 2e-4, "all moved");
  }
  // Everything to one entry that the model held impossible, or away from all likely ones.
  check(
      view(base), view(base), [](float z, index_t, index_t v) { return v == 700 ? 300.0F : z; }, 1e-4, "one entry");
  check(
      view(base), view(base), [](float z, index_t row, index_t) { return row % 2 == 0 ? z
                                                                         : z > 0      ? z - 150
                                                                                      : z; },
      1e-4, "likely ones sunk in every other row");
}

BOOST_AUTO_TEST_CASE(what_is_not_a_number_stays_none) {
  const lm::buffer base = random_states(1);
  thread_pool pool(1);
  head_comparison comparison({tiny(), rows(), pool}, view(base));
  changed_head head(
      [](float z, index_t row, index_t v) { return row == 1 && v == 5 ? std::numeric_limits<float>::quiet_NaN() : z; });
  const std::vector<head_comparison::copy> copies{{view(base), &head}};
  const std::vector<row_comparison> found = comparison.compare(copies);
  BOOST_TEST(std::isnan(found[1].divergence));
  BOOST_TEST(found[0].divergence == 0.0);
  BOOST_TEST(found[2].divergence == 0.0);
}
