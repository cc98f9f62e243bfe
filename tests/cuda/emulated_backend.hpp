// The emulated device as a backend of the kernel checks.
#ifndef QGRAIN_TESTS_CUDA_EMULATED_BACKEND_HPP
#define QGRAIN_TESTS_CUDA_EMULATED_BACKEND_HPP

#include <support/emulated_device.hpp>

#include <qgrain/cuda/detail/operations.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace qgrain_test {

struct emulated_backend {
  template <class T>
  class array {
   public:
    explicit array(std::vector<T> values) : values_(std::move(values)) {}
    [[nodiscard]] T* data() { return values_.data(); }
    [[nodiscard]] const std::vector<T>& values() const { return values_; }

   private:
    std::vector<T> values_;
  };

  /// Few blocks, so that every loop over a grid goes round.
  emulated_device device{3};

  template <class Q, class T>
  void quantize(qgrain::matrix_view<const T> in, qgrain::quantized_view<Q> out, std::span<std::byte> scratch,
                const qgrain::device_ranges& given = {}, typename Q::rounding_type rounding = {}) const {
    qgrain::detail::raise_if(qgrain::detail::quantize_on<Q, T>(device, in, out, scratch, given, rounding));
  }
  template <class Q, class T>
  void quantize_with_scales(qgrain::matrix_view<const T> in, const qgrain::given_scales<Q>& given,
                            std::span<typename Q::code_type> codes) const {
    qgrain::detail::raise_if(qgrain::detail::quantize_with_scales_on<Q, T>(device, in, given, codes, {}));
  }
  template <class Q, class T>
  void quantize_packed_with_scales(qgrain::matrix_view<const T> in, const qgrain::given_scales<Q>& given,
                                   std::span<std::uint8_t> codes, qgrain::bit_order order) const {
    qgrain::detail::raise_if(qgrain::detail::quantize_packed_with_scales_on<Q, T>(device, in, given, codes, order, {}));
  }
  template <class Q, class T>
  void fake_quantize(qgrain::matrix_view<const T> in, qgrain::matrix_view<T> out, std::span<std::byte> scratch,
                     const qgrain::device_ranges& given = {}, typename Q::rounding_type rounding = {}) const {
    qgrain::detail::raise_if(qgrain::detail::fake_quantize_on<Q, T>(device, in, out, scratch, given, rounding));
  }
  template <class Q, class T>
  void dequantize(qgrain::quantized_view<Q> in, qgrain::matrix_view<T> out) const {
    qgrain::detail::raise_if(qgrain::detail::dequantize_on<Q, T>(device, qgrain::quantized_view<const Q>(in), out));
  }
  template <class Q, class T, class Layout = qgrain::row_major>
  void quantize_packed(qgrain::matrix_view<const T> in, qgrain::packed_view<Q, Layout> out,
                       std::span<std::byte> scratch, const qgrain::device_ranges& given = {},
                       typename Q::rounding_type rounding = {}) const {
    qgrain::detail::raise_if(qgrain::detail::quantize_packed_on<Q, T>(device, in, out, scratch, given, rounding));
  }
  template <class Q, class T, class Layout = qgrain::row_major>
  void dequantize_packed(qgrain::packed_view<Q, Layout> in, qgrain::matrix_view<T> out) const {
    qgrain::detail::raise_if(
        qgrain::detail::dequantize_packed_on<Q, T>(device, qgrain::packed_view<const Q, Layout>(in), out));
  }
};

}  // namespace qgrain_test

#endif
