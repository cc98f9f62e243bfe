// Checks of kernels beyond the plain operations, on any backend: packed codes of every width with scales in a layout,
// and ranges and scales that are given. The truth is the host's composition of plain steps.
#ifndef QGRAIN_TESTS_SUPPORT_PACKED_KERNEL_CHECKS_HPP
#define QGRAIN_TESTS_SUPPORT_PACKED_KERNEL_CHECKS_HPP

#include <support/kernel_checks.hpp>

#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/host/choose_ranges.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/scale/range_choice.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace qgrain_test {

/// quantize, pack_codes and to_layout of the host against quantize_packed, and the way back.
template <class Q, class Layout, class T, class Backend>
[[nodiscard]] std::string compare_packed(Backend& backend, const placement& where, specials kind, std::uint64_t seed) {
  using namespace qgrain;
  using stored_scale = typename Q::stored_scale;
  using view_type = packed_view<Q, Layout>;
  constexpr int bits = Q::format_type::bits;
  constexpr std::size_t guard = 16;
  const std::vector<T> input = placed_input<T>(where, kind, seed);
  const auto offset = static_cast<std::size_t>(where.before);
  const bit_order order = seed % 2 == 0 ? bit_order::low_first : bit_order::high_first;

  const auto plain = quantize<Q>(on_host{}, where.view(input.data()));
  std::vector<std::uint8_t> codes(offset + static_cast<std::size_t>(view_type::code_bytes(where.shape)) + guard, 99);
  const std::vector<std::uint8_t> codes_before = codes;
  pack_codes(plain.codes.data(), where.shape.elements(), bits, order, codes.data() + offset);
  const auto scale_count = static_cast<std::size_t>(view_type::scale_count(where.shape));
  std::vector<stored_scale> scales(offset + scale_count + guard, stored_scale{7});
  const std::vector<stored_scale> scales_before = scales;
  to_layout<Layout>(matrix_view<const stored_scale>{plain.scales.data(), Q::scale_shape(where.shape)},
                    std::span(scales).subspan(offset, scale_count));
  const auto mark = from_float<T>(-77.0F);
  std::vector<T> values(where.elements(), mark);
  dequantize<Q>(on_host{}, plain.view(), where.view(values.data()));

  typename Backend::template array<T> device_in(input);
  typename Backend::template array<std::uint8_t> device_codes(codes_before);
  typename Backend::template array<stored_scale> device_scales(scales_before);
  typename Backend::template array<float> device_tensor(std::vector<float>{-5.0F});
  typename Backend::template array<T> device_values(std::vector<T>(where.elements(), mark));
  const auto bytes = static_cast<std::size_t>(scratch_bytes<Q>(where.shape));
  typename Backend::template array<std::uint32_t> device_scratch(std::vector<std::uint32_t>(bytes / 4 + 4));
  const view_type out{device_codes.data() + offset, device_scales.data() + offset, device_tensor.data(), where.shape,
                      order};
  backend.template quantize_packed<Q, T, Layout>(where.view(static_cast<const T*>(device_in.data())), out,
                                                 {reinterpret_cast<std::byte*>(device_scratch.data()), bytes});
  backend.template dequantize_packed<Q, T, Layout>(out, where.view(device_values.data()));
  return difference("packed codes", codes, device_codes.values()) +
         difference("laid out scales", scales, device_scales.values()) +
         difference("tensor scales", {plain.tensor_scale}, device_tensor.values()) +
         difference("values", values, device_values.values());
}

/// Shapes around whole packs, groups and tiles whose rows end at whole bytes; empty, or the first faults.
template <class Q, class Layout, class T, class Backend>
[[nodiscard]] std::string compare_packed_shapes(Backend& backend) {
  using qgrain::index_t;
  constexpr specials kinds[] = {specials::none, specials::nan, specials::none, specials::infinity};
  std::uint64_t seed = 0;
  for (const index_t rows : {1, 5, 130}) {
    for (const index_t cols : {8, 16, 40, 64, 72, 128, 136, 200, 256, 520, 1032, 2056}) {
      if (rows > 100 && cols > 300) continue;
      ++seed;
      const placement where{
          {rows, cols}, static_cast<index_t>(seed % 3 * 4), static_cast<index_t>(seed % 2 == 0 ? 0 : 3)};
      if (!qgrain::check_packed<Q>(where.shape)) continue;
      const std::string faults = compare_packed<Q, Layout, T>(backend, where, kinds[seed % 4], seed);
      if (!faults.empty()) return std::to_string(rows) + " x " + std::to_string(cols) + ": " + faults;
    }
  }
  return {};
}

/// The ranges of a type in the place that they have in given_ranges and device_ranges.
template <class Given, class Range>
[[nodiscard]] Given given_of(std::span<const Range> ranges) {
  Given given;
  if constexpr (std::is_same_v<Range, float>) {
    given.absmax = ranges;
  } else {
    given.ends = ranges;
  }
  return given;
}

/// Static quantization on both sides: ranges of other data, and of scales of two levels a tensor scale that no largest
/// magnitude gives; then codes under the scales that the host made.
template <class Q, class T, class Backend>
[[nodiscard]] std::string compare_static(Backend& backend, const placement& where, std::uint64_t seed) {
  using namespace qgrain;
  using range_type = typename Q::range_type;
  constexpr bool two_level = Q::scale_type::tensor_bits > 0;
  const std::vector<T> input = placed_input<T>(where, specials::none, seed);
  const std::vector<T> other = placed_input<T>(where, specials::none, seed + 1);
  const std::vector<range_type> ranges = choose_ranges<Q>(on_host{}, where.view(other.data()), data_range{});
  const float tensor_scale = 0.0123F;
  auto given = given_of<given_ranges>(std::span(ranges));
  if (two_level) given.tensor_scale = tensor_scale;
  const auto plain = quantize<Q>(on_host{}, where.view(input.data()), given);
  const auto mark = from_float<T>(-77.0F);
  std::vector<T> fake(where.elements(), mark);
  fake_quantize<Q>(on_host{}, where.view(input.data()), where.view(fake.data()), given);

  typename Backend::template array<T> device_in(input);
  typename Backend::template array<range_type> device_known(ranges);
  typename Backend::template array<float> device_tensor_known(std::vector<float>{tensor_scale});
  using code_type = typename Q::code_type;
  typename Backend::template array<code_type> device_codes(std::vector<code_type>(plain.codes.size()));
  typename Backend::template array<typename Q::stored_scale> device_scales(
      std::vector<typename Q::stored_scale>(plain.scales.size()));
  typename Backend::template array<float> device_tensor(std::vector<float>{1.0F});
  typename Backend::template array<T> device_fake(std::vector<T>(where.elements(), mark));
  auto known = given_of<device_ranges>(std::span<const range_type>(device_known.data(), ranges.size()));
  if (two_level) known.tensor_scale = device_tensor_known.data();
  std::string faults;
  if (scratch_bytes<Q>(where.shape, known) != 0) faults += "scratch is asked for; ";
  const quantized_view<Q> out{device_codes.data(), device_scales.data(), device_tensor.data(), where.shape};
  const auto in = where.view(static_cast<const T*>(device_in.data()));
  backend.template quantize<Q, T>(in, out, {}, known);
  backend.template fake_quantize<Q, T>(in, where.view(device_fake.data()), {}, known);
  faults += difference("codes of given ranges", plain.codes, device_codes.values()) +
            difference("scales of given ranges", plain.scales, device_scales.values()) +
            difference("the given tensor scale", {plain.tensor_scale}, device_tensor.values()) +
            difference("fake values of given ranges", fake, device_fake.values());

  typename Backend::template array<code_type> again(std::vector<code_type>(plain.codes.size()));
  backend.template quantize_with_scales<Q, T>(in, {{device_scales.data(), plain.scales.size()}, device_tensor.data()},
                                              {again.data(), plain.codes.size()});
  faults += difference("codes of given scales", plain.codes, again.values());

  constexpr auto group = Q::granularity_type::group_shape({1, 1});
  constexpr bool ends_at_bytes =
      qgrain::detail::kind_of_group<typename Q::granularity_type> != qgrain::detail::group_kind::run ||
      group.cols * Q::format_type::bits % 8 == 0;
  if constexpr (ends_at_bytes) {
    if (!check_packed<Q>(where.shape)) return faults;
    const bit_order order = seed % 2 == 0 ? bit_order::low_first : bit_order::high_first;
    std::vector<std::uint8_t> wanted(static_cast<std::size_t>(packed_view<Q>::code_bytes(where.shape)));
    pack_codes(plain.codes.data(), where.shape.elements(), Q::format_type::bits, order, wanted.data());
    typename Backend::template array<std::uint8_t> packed(std::vector<std::uint8_t>(wanted.size()));
    backend.template quantize_packed_with_scales<Q, T>(
        in, {{device_scales.data(), plain.scales.size()}, device_tensor.data()}, {packed.data(), wanted.size()}, order);
    faults += difference("packed codes of given scales", wanted, packed.values());
  }
  return faults;
}

template <class Q, class T, class Backend>
[[nodiscard]] std::string compare_static_shapes(Backend& backend) {
  using qgrain::index_t;
  std::uint64_t seed = 0;
  for (const index_t rows : {1, 6, 33}) {
    for (const index_t cols : {1, 7, 16, 48, 65, 128, 130, 300, 1027}) {
      ++seed;
      const placement where{
          {rows, cols}, static_cast<index_t>(seed % 3 * 4), static_cast<index_t>(seed % 2 == 0 ? 0 : 3)};
      if (!Q::check(where.shape)) continue;
      const std::string faults = compare_static<Q, T>(backend, where, seed);
      if (!faults.empty()) return std::to_string(rows) + " x " + std::to_string(cols) + ": " + faults;
    }
  }
  return {};
}

}  // namespace qgrain_test

#endif
