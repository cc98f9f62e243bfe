#include <engine/measure/padding_logits.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/exponential.hpp>
#include <qgrain/core/lane_sum.hpp>

#include <algorithm>
#include <cmath>

namespace qgrain::engine {

padding_logits::padding_logits(const lm::packed_rows& rows, lm::const_matrix base, lm::const_matrix changed,
                               bool has_batch_ranges, index_t vocabulary, index_t first, index_t end)
    : vocabulary_(vocabulary), slot_of_(static_cast<std::size_t>(base.rows()), -1) {
  std::vector<const lm::sequence_rows*> kept;
  const auto same_state = [&](lm::const_matrix state, index_t a, index_t b) {
    return (state.row(a).array() == state.row(b).array()).all();
  };
  for (const lm::sequence_rows& s : rows.sequences) {
    if (s.padding == 0 || s.begin < first || s.begin >= end) continue;
    const auto twin = std::find_if(kept.begin(), kept.end(), [&](const lm::sequence_rows* k) {
      return (!has_batch_ranges || k->batch == s.batch) && same_state(base, k->begin, s.begin) &&
             same_state(changed, k->begin, s.begin);
    });
    slot_of_[static_cast<std::size_t>(s.begin)] = static_cast<std::int32_t>(twin - kept.begin());
    if (twin != kept.end()) continue;
    first_of_.push_back(s.begin);
    kept.push_back(&s);
  }
  values_ = lm::buffer(2 * vocabulary * static_cast<index_t>(kept.size()));
}

void padding_logits::keep(index_t row, index_t first_output, const float* before, const float* after, index_t n) {
  const std::int32_t slot = slot_of_[static_cast<std::size_t>(row)];
  if (slot < 0 || first_of_[static_cast<std::size_t>(slot)] != row) return;
  std::copy_n(before, n, values_.data() + 2 * slot * vocabulary_ + first_output);
  std::copy_n(after, n, values_.data() + (2 * slot + 1) * vocabulary_ + first_output);
}

std::vector<double> padding_logits::divergences() {
  std::vector<double> found;
  for (index_t slot = 0; slot < static_cast<index_t>(first_of_.size()); ++slot) {
    float* a = values_.data() + 2 * slot * vocabulary_;
    float* b = a + vocabulary_;
    log_softmax(a);
    log_softmax(b);
    double sum = 0;
    for (index_t i = 0; i < vocabulary_; ++i)
      sum += static_cast<double>(mul_rn(exp_accurate(a[i]), sub_rn(a[i], b[i])));
    found.push_back(sum);
  }
  return found;
}

// Exponentials are added in float32, in sixteen lanes; the logarithm is rounded once.
void padding_logits::log_softmax(float* z) const {
  constexpr index_t lanes = 16;
  const float largest = *std::max_element(z, z + vocabulary_);
  float sums[lanes] = {};
  for (index_t j = 0; j < vocabulary_; ++j) {
    float& sum = sums[j % lanes];
    sum = add_rn(sum, exp_accurate(sub_rn(z[j], largest)));
  }
  const float all = qgrain::fold_lanes(sums, add_rn);
  const auto log_sum = static_cast<float>(std::log(static_cast<double>(all)));
  for (index_t j = 0; j < vocabulary_; ++j) z[j] = sub_rn(sub_rn(z[j], largest), log_sum);
}

}  // namespace qgrain::engine
