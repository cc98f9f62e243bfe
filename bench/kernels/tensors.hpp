// The matrices that the rows of one footprint share.
#ifndef QGRAIN_BENCH_KERNELS_TENSORS_HPP
#define QGRAIN_BENCH_KERNELS_TENSORS_HPP

#include <kernels/line_allocator.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace qgrain::bench {

/// An input of about normal distribution, the same in every run, and room for as many values. All pages are touched.
class tensors {
 public:
  explicit tensors(shape2d extent) : shape_(extent), x_(count()), x16_(count()), y_(count()), y16_(count()) {
    for (std::size_t i = 0; i < count(); ++i) {
      std::uint32_t h = static_cast<std::uint32_t>(i) * 2654435769U;
      h = (h ^ (h >> 16U)) * 0x85EBCA6BU;
      h = (h ^ (h >> 13U)) * 0xC2B2AE35U;
      h ^= h >> 16U;
      const auto sum = static_cast<int>((h & 255U) + (h >> 8U & 255U) + (h >> 16U & 255U) + (h >> 24U)) - 510;
      x_[i] = static_cast<float>(sum) * 0.0068F;
      x16_[i] = from_float<bfloat16>(x_[i]);
    }
  }

  [[nodiscard]] shape2d shape() const noexcept { return shape_; }
  template <storage_element T = float>
  [[nodiscard]] matrix_view<const T> input() const noexcept {
    if constexpr (std::is_same_v<T, float>) return {x_.data(), shape_};
    if constexpr (std::is_same_v<T, bfloat16>) return {x16_.data(), shape_};
  }
  template <storage_element T = float>
  [[nodiscard]] matrix_view<T> output() noexcept {
    if constexpr (std::is_same_v<T, float>) return {y_.data(), shape_};
    if constexpr (std::is_same_v<T, bfloat16>) return {y16_.data(), shape_};
  }

 private:
  [[nodiscard]] std::size_t count() const noexcept { return static_cast<std::size_t>(shape_.elements()); }

  shape2d shape_;
  line_vector<float> x_;
  line_vector<bfloat16> x16_;
  line_vector<float> y_;
  line_vector<bfloat16> y16_;
};

}  // namespace qgrain::bench

#endif
