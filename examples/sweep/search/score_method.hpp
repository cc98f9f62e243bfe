// How the harm of a format at a layer is measured.
#ifndef QGRAIN_SWEEP_SEARCH_SCORE_METHOD_HPP
#define QGRAIN_SWEEP_SEARCH_SCORE_METHOD_HPP

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace qgrain::sweep {

/// Less is better, but for sqnr_db.
enum class score_method : std::uint8_t {
  gradient,    ///< sum (G dY)^2 with the gradient of the text's loss
  fisher,      ///< the same with labels drawn from the model's own prediction
  kl_div,      ///< divergence of the model's output, measured with one group of layers quantized
  loss,        ///< increase of the mean loss, measured likewise
  mse,         ///< mean squared error of the layer's output
  sqnr_db,     ///< signal to noise of the layer's output, in decibels; the search takes noise to signal
  weight_mse,  ///< mean squared error of the weight, without data
};

inline constexpr std::array<std::string_view, 7> score_method_names{"gradient", "fisher",  "kl_div",    "loss",
                                                                    "mse",      "sqnr_db", "weight_mse"};
inline constexpr std::size_t score_methods = score_method_names.size();

[[nodiscard]] constexpr std::string_view name_of(score_method method) noexcept {
  return score_method_names[static_cast<std::size_t>(method)];
}

/// Throws errc::unknown_name with the nearest name, `key` in front.
[[nodiscard]] inline score_method score_method_from(std::string_view name, std::string_view key) {
  const auto found = std::find(score_method_names.begin(), score_method_names.end(), name);
  if (found == score_method_names.end()) {
    throw error(errc::unknown_name,
                std::string(key) + ": no method is called " + std::string(name) + name_hint(name, score_method_names));
  }
  return static_cast<score_method>(found - score_method_names.begin());
}

/// Whether a method scores a group of layers as a whole and not each layer.
[[nodiscard]] constexpr bool is_of_groups(score_method method) noexcept {
  return method == score_method::kl_div || method == score_method::loss;
}

/// Whether a method compares a layer's outputs, which the gradient sweep makes anyway.
[[nodiscard]] constexpr bool is_of_outputs(score_method method) noexcept {
  return method == score_method::mse || method == score_method::sqnr_db;
}

}  // namespace qgrain::sweep

#endif
