// Ranges over batches: the largest magnitude, and the multiple of it that quantizes the batches with the least error.
#ifndef QGRAIN_CALIBRATION_OBSERVER_HPP
#define QGRAIN_CALIBRATION_OBSERVER_HPP

#include <qgrain/calibration/detail/even_steps.hpp>
#include <qgrain/calibration/range_axis.hpp>
#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/detail/elementary.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/scale/range.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::calibration {

/// The largest magnitude of all batches, per tensor, row or column; exact, so the order of batches and the merging of
/// observers change nothing. A NaN stays. Source: ModelOpt 0.47's max calibrator.
class absmax_observer {
 public:
  explicit absmax_observer(range_axis axis) : axis_(axis) {}

  /// @throws error errc::invalid_shape where the number of ranges differs from that of earlier batches
  template <storage_element T>
  void observe(matrix_view<const T> batch) {
    const std::size_t count = detail::range_count(batch.shape, axis_);
    if (amax_.empty()) amax_.assign(count, 0.0F);
    detail::require_ranges(amax_.size(), count);
    using loop = qgrain::detail::absmax_block<T>;
    const index_t cols = batch.shape.cols;
    if (batch.shape.rows < 1 || cols < 1) return;
    if (axis_ != range_axis::rows) {
      run_widest<loop>(batch, axis_ == range_axis::columns ? index_t{1} : cols, amax_.data());
      return;
    }
    for (index_t r = 0; r < batch.shape.rows; ++r) {
      run_widest<loop>(matrix_view<const T>{batch.row(r), {1, cols}}, cols, amax_.data() + r);
    }
  }
  void merge(const absmax_observer& other) {
    if (other.amax_.empty()) return;
    if (amax_.empty()) amax_.assign(other.amax_.size(), 0.0F);
    detail::require_ranges(amax_.size(), other.amax_.size());
    for (std::size_t i = 0; i < amax_.size(); ++i) amax_[i] = widened(amax_[i], other.amax_[i]);
  }
  [[nodiscard]] const std::vector<float>& amax() const noexcept { return amax_; }

 private:
  range_axis axis_;
  std::vector<float> amax_;
};

/// Multiples of the largest magnitude that a search tries: first, then equal steps of about `step` up to last.
struct multiplier_search {
  double first = 0.25;
  double last = 4.0;
  double step = 0.1;

  /// ceil((last - first) / step) + 1 float32 numbers, both ends among them (1 need not be). Source: ModelOpt 0.47.
  /// @throws error errc::out_of_range for an empty or endless span
  [[nodiscard]] std::vector<float> values() const {
    if (!(first > 0 && last >= first && step > 0 && (last - first) / step < 1e6)) {
      qgrain::detail::raise(errc::out_of_range, "multipliers from " + std::to_string(first) + " to " +
                                                    std::to_string(last) + " in steps of " + std::to_string(step) +
                                                    " make no search");
    }
    const auto steps = static_cast<std::size_t>(qgrain::detail::ceiling((last - first) / step));
    return detail::even_steps(static_cast<float>(first), static_cast<float>(last), steps);
  }
};

/// Squared errors of ranges at the multiples of an initial value that a search tries. For quantizers that are known at
/// run time only; mse_observer fills it by itself.
class multiplier_losses {
 public:
  explicit multiplier_losses(std::vector<float> initial, const multiplier_search& search = {})
      : initial_(std::move(initial)), multipliers_(search.values()) {
    losses_.assign(multipliers_.size() * initial_.size(), 0.0);
  }

  [[nodiscard]] const std::vector<float>& multipliers() const noexcept { return multipliers_; }
  [[nodiscard]] std::size_t ranges() const noexcept { return initial_.size(); }
  /// Range `range` at multiplier `multiplier`, both by their place.
  [[nodiscard]] float candidate(std::size_t multiplier, std::size_t range) const {
    return mul_rn(initial_[range], multipliers_[multiplier]);
  }
  void add(std::size_t multiplier, std::size_t range, double loss) {
    losses_[multiplier * initial_.size() + range] += loss;
  }
  /// Adds the losses of the same ranges and multipliers.
  /// @throws error errc::invalid_shape where their number differs
  void merge(const multiplier_losses& other) {
    detail::require_ranges(losses_.size(), other.losses_.size());
    for (std::size_t i = 0; i < losses_.size(); ++i) losses_[i] += other.losses_[i];
  }
  /// [multipliers, ranges], row-major.
  [[nodiscard]] const std::vector<double>& losses() const noexcept { return losses_; }
  /// Of each range the candidate with the least loss, the first of equal ones. A range of 0 stays 0.
  [[nodiscard]] std::vector<float> amax() const {
    std::vector<float> best(initial_.size());
    for (std::size_t i = 0; i < best.size(); ++i) {
      std::size_t pick = 0;
      for (std::size_t m = 1; m < multipliers_.size(); ++m) {
        if (losses_[m * best.size() + i] < losses_[pick * best.size() + i]) pick = m;
      }
      best[i] = candidate(pick, i);
    }
    return best;
  }

 protected:
  /// Losses of a multiplier from a range on.
  [[nodiscard]] double* losses_at(std::size_t multiplier, std::size_t range) noexcept {
    return losses_.data() + multiplier * initial_.size() + range;
  }

 private:
  std::vector<float> initial_;
  std::vector<float> multipliers_;
  std::vector<double> losses_;
};

namespace detail {

/// Squared errors of some values, under one group's factors or each its own.
template <class Element>
struct squared_errors {
  using factors_type = typename Element::factors_type;
  QGRAIN_ALWAYS_INLINE static float of(float x, factors_type factors) {
    const float error = sub_rn(Element::fake(x, factors), x);
    return mul_rn(error, error);
  }
  QGRAIN_ALWAYS_INLINE static void run(const float* x, index_t count, const factors_type* factors, bool has_own,
                                       float* squares) {
    const factors_type shared = *factors;
    if (has_own) {
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < count; ++i) squares[i] = of(x[i], factors[i]);
    } else {
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < count; ++i) squares[i] = of(x[i], shared);
    }
  }
};

/// Adds squares up in their order, those of some multipliers at a time: a sum waits for its last one, not for others.
inline constexpr index_t loss_run_elements = 1024;
inline constexpr std::size_t losses_at_once = 8;
using loss_runs = std::array<std::array<float, static_cast<std::size_t>(loss_run_elements)>, losses_at_once>;
struct add_losses {
  QGRAIN_ALWAYS_INLINE static void run(const loss_runs* squares, index_t count, double* losses) {
    double sums[losses_at_once];
    for (std::size_t k = 0; k < losses_at_once; ++k) sums[k] = losses[k];
    for (index_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < losses_at_once; ++k) {
        sums[k] += static_cast<double>(squares->data()[k].data()[i]);
      }
    }
    for (std::size_t k = 0; k < losses_at_once; ++k) losses[k] = sums[k];
  }
};

}  // namespace detail

/// The multiple of an initial range with the least squared error over all batches, per tensor, row or column. Element:
/// the element stage of a quantizer (quantizer<...>::element_type) whose range is one magnitude.
///
/// Errors are float32, their squares summed in double; the first of equal multiples wins. A range of 0 stays 0. Source:
/// ModelOpt 0.47's mse calibrator (sums there are float32).
template <class Element>
class mse_observer : public multiplier_losses {
 public:
  mse_observer(range_axis axis, std::vector<float> initial, const multiplier_search& search = {})
      : multiplier_losses(std::move(initial), search), axis_(axis) {}

  /// @throws error errc::invalid_shape where the number of ranges differs from that of the initial ones
  template <storage_element T>
  void observe(matrix_view<const T> batch) {
    detail::require_ranges(ranges(), detail::range_count(batch.shape, axis_));
    detail::loss_runs squares{};
    std::vector<typename Element::factors_type> factors(detail::losses_at_once * ranges());
    for (std::size_t m = 0; m < multipliers().size(); m += detail::losses_at_once) {
      const std::size_t here = smaller_of(detail::losses_at_once, multipliers().size() - m);
      for (std::size_t k = 0; k < here; ++k) {
        for (std::size_t i = 0; i < ranges(); ++i) {
          factors[k * ranges() + i] = Element::factors(Element::scale(candidate(m + k, i)));
        }
      }
      for (index_t r = 0; r < batch.shape.rows; ++r) {
        for (index_t c = 0; c < batch.shape.cols; c += detail::loss_run_elements) {
          const index_t count = smaller_of(detail::loss_run_elements, batch.shape.cols - c);
          add_run(m, here, batch.row(r) + c, count, detail::range_index(r, c, axis_), factors.data(), squares);
        }
      }
    }
  }

 private:
  /// Some neighbours of a row under some multipliers; `range` is that of the first one.
  template <class T>
  void add_run(std::size_t m, std::size_t multipliers_here, const T* values, index_t count, std::size_t range,
               const typename Element::factors_type* factors, detail::loss_runs& squares) {
    const bool has_own = axis_ == range_axis::columns;
    std::array<float, static_cast<std::size_t>(detail::loss_run_elements)> x;
    for (index_t i = 0; i < count; ++i) x.data()[i] = to_float(values[i]);
    std::array<double, detail::losses_at_once> sums{};
    for (std::size_t k = 0; k < multipliers_here; ++k) {
      run_widest<detail::squared_errors<Element>>(static_cast<const float*>(x.data()), count,
                                                  factors + k * ranges() + range, has_own, squares[k].data());
      double* const losses = losses_at(m + k, range);
      if (has_own) {
        for (index_t i = 0; i < count; ++i) losses[i] += static_cast<double>(squares[k].data()[i]);
      } else {
        sums[k] = *losses;
      }
    }
    if (has_own) return;
    run_widest<detail::add_losses>(static_cast<const detail::loss_runs*>(&squares), count, sums.data());
    for (std::size_t k = 0; k < multipliers_here; ++k) *losses_at(m + k, range) = sums[k];
  }

  range_axis axis_;
};

}  // namespace qgrain::calibration

#endif
