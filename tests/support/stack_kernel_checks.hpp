// Checks of kernels over stacks of matrices, on any backend. The truth is the host, one matrix after the other.
#ifndef QGRAIN_TESTS_SUPPORT_STACK_KERNEL_CHECKS_HPP
#define QGRAIN_TESTS_SUPPORT_STACK_KERNEL_CHECKS_HPP

#include <support/inputs.hpp>
#include <support/kernel_checks.hpp>

#include <qgrain/core/stack_view.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qgrain_test {

/// A stack with `gap` elements between rows and three times as many between matrices, through every operation at once.
template <class Q, class Layout, class T, class Backend>
[[nodiscard]] std::string compare_stack(Backend& backend, qgrain::matrix_stack extent, qgrain::index_t gap) {
  using namespace qgrain;
  using stored_scale = typename Q::stored_scale;
  using code_type = typename Q::code_type;
  const index_t row = extent.shape.cols + gap;
  const index_t stride = extent.shape.rows * row + 3 * gap;
  const auto memory = static_cast<std::size_t>(extent.count * stride);
  std::vector<T> input;
  for (const float x : bell_values(3, memory)) input.push_back(from_float<T>(x));
  const auto over = [&](auto* first) { return stack_view(first, extent, row, stride); };
  const auto mark = from_float<T>(-77.0F);

  // The host, one by one.
  std::vector<code_type> codes;
  std::vector<stored_scale> scales;
  std::vector<float> tensor_scales;
  std::vector<std::uint8_t> packed_codes;
  std::vector<stored_scale> laid_out;
  std::vector<T> fake(memory, mark);
  std::vector<T> values(memory, mark);
  const auto append = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
  for (index_t i = 0; i < extent.count; ++i) {
    const auto in = over(static_cast<const T*>(input.data()))[i];
    const auto plain = quantize<Q>(on_host{}, in);
    append(codes, plain.codes);
    append(scales, plain.scales);
    tensor_scales.push_back(plain.tensor_scale);
    const auto dense = quantize_packed<Q, Layout>(on_host{}, in);
    append(packed_codes, dense.codes);
    append(laid_out, dense.scales);
    fake_quantize<Q>(on_host{}, in, over(fake.data())[i]);
    dequantize(on_host{}, plain.view(), over(values.data())[i]);
  }

  typename Backend::template array<T> device_in(input);
  typename Backend::template array<code_type> device_codes(std::vector<code_type>(codes.size(), code_type{99}));
  typename Backend::template array<stored_scale> device_scales(std::vector<stored_scale>(scales.size()));
  typename Backend::template array<float> device_tensors(std::vector<float>(tensor_scales.size(), -5.0F));
  typename Backend::template array<std::uint8_t> device_packed(std::vector<std::uint8_t>(packed_codes.size(), 99));
  typename Backend::template array<stored_scale> device_laid_out(
      std::vector<stored_scale>(laid_out.size(), stored_scale{7}));
  typename Backend::template array<float> packed_tensors(std::vector<float>(tensor_scales.size(), -5.0F));
  typename Backend::template array<T> device_fake(std::vector<T>(memory, mark));
  typename Backend::template array<T> device_values(std::vector<T>(memory, mark));
  typename Backend::template array<T> unpacked_values(std::vector<T>(memory, mark));
  const auto bytes = static_cast<std::size_t>(extent.count * scratch_bytes<Q>(extent.shape));
  typename Backend::template array<std::uint32_t> device_scratch(
      std::vector<std::uint32_t>(bytes / 4 + 4, 0x7FC0'0001U));
  const std::span<std::byte> scratch(reinterpret_cast<std::byte*>(device_scratch.data()), bytes);

  const auto in = over(static_cast<const T*>(device_in.data()));
  const quantized_stack_view<Q> out{device_codes.data(), device_scales.data(), device_tensors.data(), extent};
  const packed_stack_view<Q, Layout> packed_out{device_packed.data(), device_laid_out.data(), packed_tensors.data(),
                                                extent};
  backend.template quantize_stack<Q, T>(in, out, scratch);
  backend.template quantize_packed_stack<Q, T, Layout>(in, packed_out, scratch);
  backend.template fake_quantize_stack<Q, T>(in, over(device_fake.data()), scratch);
  backend.template dequantize_stack<Q, T>(out, over(device_values.data()));
  backend.template dequantize_packed_stack<Q, T, Layout>(packed_out, over(unpacked_values.data()));
  std::string faults =
      difference("codes", codes, device_codes.values()) + difference("scales", scales, device_scales.values()) +
      difference("tensor scales", tensor_scales, device_tensors.values()) +
      difference("packed codes", packed_codes, device_packed.values()) +
      difference("laid out scales", laid_out, device_laid_out.values()) +
      difference("fake values", fake, device_fake.values()) + difference("values", values, device_values.values()) +
      difference("values of packed codes", values, unpacked_values.values());
  const std::vector<std::uint32_t> after = device_scratch.values();
  for (std::size_t i = bytes / 4; i < after.size(); ++i) {
    if (after[i] != 0x7FC0'0001U) return faults + "memory behind the scratch is written; ";
  }
  return faults;
}

template <class Q, class Layout, class T, class Backend>
[[nodiscard]] std::string compare_stacks(Backend& backend) {
  for (const qgrain::matrix_stack extent :
       {qgrain::matrix_stack{1, {3, 64}}, {2, {9, 520}}, {5, {4, 72}}, {64, {2, 32}}}) {
    for (const qgrain::index_t gap : {qgrain::index_t{0}, qgrain::index_t{5}}) {
      if (!qgrain::check_packed<Q>(extent.shape)) continue;
      const std::string faults = compare_stack<Q, Layout, T>(backend, extent, gap);
      if (!faults.empty()) {
        return std::to_string(extent.count) + " of " + std::to_string(extent.shape.rows) + " x " +
               std::to_string(extent.shape.cols) + ": " + faults;
      }
    }
  }
  return {};
}

}  // namespace qgrain_test

#endif
