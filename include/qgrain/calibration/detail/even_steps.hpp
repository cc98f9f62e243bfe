// Numbers from one end to another in equal steps, as torch.linspace has them.
#ifndef QGRAIN_CALIBRATION_DETAIL_EVEN_STEPS_HPP
#define QGRAIN_CALIBRATION_DETAIL_EVEN_STEPS_HPP

#include <qgrain/core/arithmetic.hpp>

#include <cstddef>
#include <vector>

namespace qgrain::calibration::detail {

/// steps + 1 numbers from low to high. The step is rounded to float32; each half is measured from its own end with one
/// more rounding.
[[nodiscard]] inline std::vector<float> even_steps(float low, float high, std::size_t steps) {
  const float width = steps == 0 ? 0.0F : div_rn(sub_rn(high, low), static_cast<float>(steps));
  std::vector<float> all(steps + 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = i < all.size() / 2 ? fma_rn(width, static_cast<float>(i), low)
                                : fma_rn(-width, static_cast<float>(steps - i), high);
  }
  return all;
}

}  // namespace qgrain::calibration::detail

#endif
