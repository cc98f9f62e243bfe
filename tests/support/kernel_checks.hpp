// One list of checks for kernels, on any backend that runs them: an emulated device or a GPU. The truth is the host.
#ifndef QGRAIN_TESTS_SUPPORT_KERNEL_CHECKS_HPP
#define QGRAIN_TESTS_SUPPORT_KERNEL_CHECKS_HPP

#include <support/inputs.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/scratch.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace qgrain_test {

/// A matrix in memory that is larger than it: elements before it, so that it begins off any alignment, elements between
/// its rows and after it.
struct placement {
  qgrain::shape2d shape;
  qgrain::index_t between_rows = 0;
  qgrain::index_t before = 0;

  [[nodiscard]] qgrain::index_t stride() const { return shape.cols + between_rows; }
  [[nodiscard]] std::size_t elements() const { return static_cast<std::size_t>(before + shape.rows * stride() + 16); }
  template <class T>
  [[nodiscard]] qgrain::matrix_view<T> view(T* memory) const {
    return {memory + before, shape, stride()};
  }
};

/// What the input holds besides finite numbers.
enum class specials : std::uint8_t { none, nan, infinity, zeros };

template <class T>
[[nodiscard]] std::vector<T> placed_input(const placement& where, specials kind, std::uint64_t seed) {
  // Whatever reads outside the matrix finds NaN.
  std::vector<T> memory(where.elements(), qgrain::from_float<T>(std::numeric_limits<float>::quiet_NaN()));
  const auto count = static_cast<std::size_t>(where.shape.elements());
  std::vector<float> values = seed % 2 == 0 ? edge_values(seed, count) : bell_values(seed, count);
  random_source random(seed);
  const auto somewhere = [&] { return static_cast<std::size_t>(random.next() % count); };
  if (kind == specials::nan) values[somewhere()] = std::numeric_limits<float>::quiet_NaN();
  if (kind == specials::infinity) values[somewhere()] = -std::numeric_limits<float>::infinity();
  if (kind == specials::zeros) values.assign(count, 0.0F);
  const auto view = where.view(memory.data());
  for (qgrain::index_t r = 0; r < where.shape.rows; ++r) {
    for (qgrain::index_t c = 0; c < where.shape.cols; ++c) {
      view(r, c) = qgrain::from_float<T>(values[static_cast<std::size_t>(r * where.shape.cols + c)]);
    }
  }
  return memory;
}

/// Equal bytes; two NaN are equal whatever their digits.
template <class T>
[[nodiscard]] bool same_bits(const T& a, const T& b) {
  if constexpr (qgrain::storage_element<T>) {
    if (qgrain::is_nan(qgrain::to_float(a)) && qgrain::is_nan(qgrain::to_float(b))) return true;
  } else if constexpr (requires { a.zero_point; }) {
    return same_bits(a.scale, b.scale) && a.zero_point == b.zero_point;
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

/// Empty, or which element differs first.
template <class T>
[[nodiscard]] std::string difference(const char* what, const std::vector<T>& wanted, const std::vector<T>& found) {
  if (wanted.size() != found.size()) return std::string(what) + ": sizes differ; ";
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!same_bits(wanted[i], found[i])) return std::string(what) + " differ at " + std::to_string(i) + "; ";
  }
  return {};
}

/// Quantizes, fakes and dequantizes one matrix on both sides. Empty where all bytes agree, those around the results
/// included.
///
/// Backend: `array<T>` with a constructor from std::vector<T>, data() and values(); quantize<Q, T>(in, out, scratch,
/// rounding), fake_quantize, dequantize, quantize_packed and dequantize_packed with the arguments of the library's
/// functions after the first.
template <class Q, class T, class Backend>
[[nodiscard]] std::string compare_with_host(Backend& backend, const placement& where, specials kind,
                                            std::uint64_t seed) {
  using namespace qgrain;
  using code_type = typename Q::code_type;
  using stored_scale = typename Q::stored_scale;
  const std::vector<T> input = placed_input<T>(where, kind, seed);
  const matrix_view<const T> in = where.view(input.data());
  const auto mark = from_float<T>(-77.0F);
  constexpr std::size_t guard = 16;

  auto expected = quantize<Q>(on_host{}, in);
  std::vector<T> fake(where.elements(), mark);
  fake_quantize<Q, T>(on_host{}, in, where.view(fake.data()));
  std::vector<T> values(where.elements(), mark);
  dequantize<Q, T>(on_host{}, expected.view(), where.view(values.data()));

  // The result's codes and scales begin at odd places too, and end in guards.
  const auto offset = static_cast<std::size_t>(where.before);
  std::vector<code_type> codes(offset + expected.codes.size() + guard, code_type{99});
  std::vector<stored_scale> scales(offset + expected.scales.size() + guard, stored_scale{});
  typename Backend::template array<T> device_in(input);
  typename Backend::template array<code_type> device_codes(codes);
  typename Backend::template array<stored_scale> device_scales(scales);
  typename Backend::template array<float> device_tensor(std::vector<float>{-5.0F});
  typename Backend::template array<T> device_fake(std::vector<T>(where.elements(), mark));
  typename Backend::template array<T> device_values(std::vector<T>(where.elements(), mark));
  const auto bytes = static_cast<std::size_t>(scratch_bytes<Q>(where.shape));
  typename Backend::template array<std::uint32_t> device_scratch(
      std::vector<std::uint32_t>(bytes / 4 + 4, 0x7FC0'0001U));
  const std::span<std::byte> scratch(reinterpret_cast<std::byte*>(device_scratch.data()), bytes);

  const quantized_view<Q> out{device_codes.data() + offset, device_scales.data() + offset, device_tensor.data(),
                              where.shape};
  const matrix_view<const T> device_view = where.view(static_cast<const T*>(device_in.data()));
  backend.template quantize<Q, T>(device_view, out, scratch);
  backend.template dequantize<Q, T>(out, where.view(device_values.data()));
  backend.template fake_quantize<Q, T>(device_view, where.view(device_fake.data()), scratch);

  std::string packed_faults;
  if constexpr (Q::format_type::bits == 4) {
    if (where.shape.cols % 2 == 0) {
      const bit_order order = seed % 4 < 2 ? bit_order::low_first : bit_order::high_first;
      const auto packed_size = static_cast<std::size_t>(packed_bytes(where.shape.elements(), 4));
      std::vector<std::uint8_t> packed(offset + packed_size + guard, std::uint8_t{99});
      typename Backend::template array<std::uint8_t> device_packed(packed);
      typename Backend::template array<stored_scale> packed_scales(std::vector<stored_scale>(expected.scales.size()));
      typename Backend::template array<T> packed_values(std::vector<T>(where.elements(), mark));
      const packed_view<Q> target{device_packed.data() + offset, packed_scales.data(), device_tensor.data(),
                                  where.shape, order};
      backend.template quantize_packed<Q, T>(device_view, target, scratch);
      backend.template dequantize_packed<Q, T>(target, where.view(packed_values.data()));
      pack_codes(expected.codes.data(), where.shape.elements(), 4, order, packed.data() + offset);
      packed_faults = difference("packed codes", packed, device_packed.values()) +
                      difference("scales of packed codes", expected.scales, packed_scales.values()) +
                      difference("values of packed codes", values, packed_values.values());
    }
  }

  backend.template fake_quantize<Q, T>(device_view, where.view(device_in.data()), scratch);  // onto its own input

  std::copy(expected.codes.begin(), expected.codes.end(), codes.begin() + static_cast<std::ptrdiff_t>(offset));
  std::copy(expected.scales.begin(), expected.scales.end(), scales.begin() + static_cast<std::ptrdiff_t>(offset));
  std::vector<T> in_place = input;
  const auto in_place_view = where.view(in_place.data());
  const auto fake_view = where.view(fake.data());
  for (index_t r = 0; r < where.shape.rows; ++r) {
    std::copy_n(fake_view.row(r), where.shape.cols, in_place_view.row(r));
  }
  std::string faults =
      difference("codes", codes, device_codes.values()) + difference("scales", scales, device_scales.values()) +
      difference("tensor scales", {expected.tensor_scale}, device_tensor.values()) +
      difference("values", values, device_values.values()) + difference("fake values", fake, device_fake.values()) +
      difference("fake values in place", in_place, device_in.values());
  const std::vector<std::uint32_t> after = device_scratch.values();
  for (std::size_t i = bytes / 4; i < after.size(); ++i) {
    if (after[i] != 0x7FC0'0001U) return faults + "memory behind the scratch is written; ";
  }
  return faults;
}

/// Columns from 1 to `dense` and some up to 4097; rows, strides, alignment and specials go round. Then matrices of many
/// blocks. None has more than `largest` elements. Empty, or the faults of the first matrix that differs.
template <class Q, class T, class Backend>
[[nodiscard]] std::string compare_shapes(Backend& backend, qgrain::index_t dense, qgrain::index_t largest = 1 << 20) {
  using qgrain::index_t;
  std::vector<index_t> columns;
  for (index_t c = 1; c <= dense; ++c) columns.push_back(c);
  for (const index_t c :
       {383, 384, 511, 512, 513, 640, 767, 1000, 1023, 1024, 1025, 1536, 2047, 2048, 2049, 3000, 4095, 4096, 4097}) {
    columns.push_back(c);
  }
  constexpr index_t rows[] = {1, 3, 2, 7, 5, 9, 1};
  constexpr index_t gaps[] = {0, 0, 8, 1, 0, 3, 16, 0};
  constexpr index_t offsets[] = {0, 0, 8, 0, 1, 0, 0, 3, 0};
  constexpr specials kinds[] = {specials::none, specials::none,     specials::nan,
                                specials::none, specials::infinity, specials::zeros};
  std::uint64_t seed = 0;
  for (const index_t cols : columns) {
    ++seed;
    const placement where{{rows[seed % 7], cols}, gaps[seed % 8], offsets[seed % 9]};
    if (!Q::check(where.shape) || where.shape.elements() > largest) continue;
    const std::string faults = compare_with_host<Q, T>(backend, where, kinds[seed % 6], seed);
    if (!faults.empty()) {
      return std::to_string(where.shape.rows) + " x " + std::to_string(cols) + ", gap " +
             std::to_string(where.between_rows) + ", offset " + std::to_string(where.before) + ": " + faults;
    }
  }
  for (const qgrain::shape2d shape :
       {qgrain::shape2d{70, 40}, {33, 257}, {129, 128}, {40, 1500}, {26, 4500}, {1, 20000}, {2, 9001}}) {
    if (!Q::check(shape) || shape.elements() > largest) continue;
    const std::string faults = compare_with_host<Q, T>(backend, {shape, 0, 0}, specials::none, ++seed);
    if (!faults.empty()) return std::to_string(shape.rows) + " x " + std::to_string(shape.cols) + ": " + faults;
  }
  return {};
}

}  // namespace qgrain_test

#endif
