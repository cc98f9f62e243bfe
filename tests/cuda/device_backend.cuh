// A GPU as a backend of the kernel checks.
#ifndef QGRAIN_TESTS_CUDA_DEVICE_BACKEND_CUH
#define QGRAIN_TESTS_CUDA_DEVICE_BACKEND_CUH

#include <qgrain/cuda.cuh>

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace qgrain_test {

inline void require(cudaError_t result) {
  if (result != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(result));
}

/// Device memory with the values that it is made from.
template <class T>
class device_array {
 public:
  explicit device_array(const std::vector<T>& values) : count_(values.size()) {
    require(cudaMalloc(&data_, count_ * sizeof(T)));
    require(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  device_array(const device_array&) = delete;
  device_array& operator=(const device_array&) = delete;
  ~device_array() { cudaFree(data_); }

  [[nodiscard]] T* data() const { return data_; }
  /// Waits for all work of the device.
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> copy(count_);
    require(cudaDeviceSynchronize());
    require(cudaMemcpy(copy.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return copy;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

/// The public entry points on one stream.
struct stream_calls {
  cudaStream_t stream = nullptr;

  template <class Q, class T>
  void quantize(qgrain::matrix_view<const T> in, qgrain::quantized_view<Q> out, std::span<std::byte> scratch,
                const qgrain::device_ranges& given = {}, typename Q::rounding_type rounding = {}) const {
    qgrain::quantize<Q>(qgrain::on_stream{stream}, in, out, scratch, given, rounding);
  }
  template <class Q, class T>
  void quantize_with_scales(qgrain::matrix_view<const T> in, const qgrain::given_scales<Q>& given,
                            std::span<typename Q::code_type> codes) const {
    qgrain::quantize_with_scales<Q>(qgrain::on_stream{stream}, in, given, codes);
  }
  template <class Q, class T>
  void quantize_packed_with_scales(qgrain::matrix_view<const T> in, const qgrain::given_scales<Q>& given,
                                   std::span<std::uint8_t> codes, qgrain::bit_order order) const {
    qgrain::quantize_packed_with_scales<Q>(qgrain::on_stream{stream}, in, given, codes, order);
  }
  template <class Q, class T>
  void fake_quantize(qgrain::matrix_view<const T> in, qgrain::matrix_view<T> out, std::span<std::byte> scratch,
                     const qgrain::device_ranges& given = {}, typename Q::rounding_type rounding = {}) const {
    qgrain::fake_quantize<Q>(qgrain::on_stream{stream}, in, out, scratch, given, rounding);
  }
  template <class Q, class T>
  void dequantize(qgrain::quantized_view<Q> in, qgrain::matrix_view<T> out) const {
    qgrain::dequantize<Q>(qgrain::on_stream{stream}, in, out);
  }
  template <class Q, class T, class Layout = qgrain::row_major>
  void quantize_packed(qgrain::matrix_view<const T> in, qgrain::packed_view<Q, Layout> out,
                       std::span<std::byte> scratch, const qgrain::device_ranges& given = {},
                       typename Q::rounding_type rounding = {}) const {
    qgrain::quantize_packed<Q, Layout>(qgrain::on_stream{stream}, in, out, scratch, given, rounding);
  }
  template <class Q, class T, class Layout = qgrain::row_major>
  void dequantize_packed(qgrain::packed_view<Q, Layout> in, qgrain::matrix_view<T> out) const {
    qgrain::dequantize_packed(qgrain::on_stream{stream}, in, out);
  }
};

struct device_backend : stream_calls {
  template <class T>
  using array = device_array<T>;
};

/// For calls that are refused: memory that no kernel sees.
struct refusing_backend : stream_calls {
  template <class T>
  class array {
   public:
    explicit array(std::vector<T> values) : values_(std::move(values)) {}
    [[nodiscard]] T* data() { return values_.data(); }
    [[nodiscard]] const std::vector<T>& values() const { return values_; }

   private:
    std::vector<T> values_;
  };
};

}  // namespace qgrain_test

#endif
