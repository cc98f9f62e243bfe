// The bulk operations of a quantizer type as kernels.
#ifndef QGRAIN_BENCH_KERNELS_QUANTIZER_KERNELS_HPP
#define QGRAIN_BENCH_KERNELS_QUANTIZER_KERNELS_HPP

#include <kernels/kernel.hpp>
#include <kernels/line_allocator.hpp>
#include <kernels/tensors.hpp>

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/host/ranges.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace qgrain::bench {

/// Whether ranges come from the data of each call or were found before.
enum class range_use : unsigned char { dynamic, given };

template <quantizer_type Q>
struct plain_codes {
  line_vector<typename Q::code_type> codes;
  line_vector<typename Q::stored_scale> scales;
  float tensor_scale = 1.0F;
  shape2d shape;

  explicit plain_codes(shape2d extent)
      : codes(static_cast<std::size_t>(extent.elements())),
        scales(static_cast<std::size_t>(Q::scale_count(extent))),
        shape(extent) {}
  [[nodiscard]] quantized_view<Q> view() noexcept { return {codes.data(), scales.data(), &tensor_scale, shape}; }
};

template <quantizer_type Q, layout_policy Layout>
struct dense_codes {
  using view_type = packed_view<Q, Layout>;
  line_vector<std::uint8_t> codes;
  line_vector<typename Q::stored_scale> scales;
  float tensor_scale = 1.0F;
  shape2d shape;

  explicit dense_codes(shape2d extent)
      : codes(static_cast<std::size_t>(view_type::code_bytes(extent))),
        scales(static_cast<std::size_t>(view_type::scale_count(extent))),
        shape(extent) {}
  [[nodiscard]] view_type view() noexcept { return {codes.data(), scales.data(), &tensor_scale, shape}; }
};

/// The ranges of a matrix as if they had been calibrated: of every group, or the tensor's scale where there are two
/// levels.
template <quantizer_type Q>
class known_ranges {
 public:
  known_ranges(matrix_view<const float> x, range_use use) {
    if (use == range_use::dynamic) return;
    if constexpr (Q::scale_type::tensor_bits > 0) {
      given_.tensor_scale = Q::tensor_scale(ranges_of(on_host{}, x, x.shape).front());
    } else {
      ranges_ = ranges_of<typename Q::range_type>(on_host{}, x, Q::granularity_type::group_shape(x.shape));
      if constexpr (std::is_same_v<typename Q::range_type, float>) {
        given_.absmax = ranges_;
      } else {
        given_.ends = ranges_;
      }
    }
  }
  known_ranges(const known_ranges&) = delete;
  [[nodiscard]] const given_ranges& given() const noexcept { return given_; }

 private:
  std::vector<typename Q::range_type> ranges_;
  given_ranges given_;
};

namespace detail {

template <quantizer_type Q, storage_element T>
[[nodiscard]] kernel described(std::string work, in_default_run rank) {
  const quantizer_description text = describe<Q>();
  kernel k;
  k.work = std::move(work);
  k.recipe = text.name;
  k.element = element_name<T>();
  k.scale = text.scale;
  k.rank = rank;
  return k;
}

[[nodiscard]] inline std::string with_suffix(const char* work, range_use use) {
  return std::string(work) + (use == range_use::given ? "_static" : "");
}

template <quantizer_type Q>
[[nodiscard]] constexpr index_t plain_bytes(shape2d shape) noexcept {
  return Q::code_bytes(shape) + Q::scale_bytes(shape) + Q::scale_type::tensor_bits / 8;
}
template <quantizer_type Q, layout_policy Layout>
[[nodiscard]] constexpr index_t dense_bytes(shape2d shape) noexcept {
  using view = packed_view<Q, Layout>;
  return view::code_bytes(shape) + view::scale_count(shape) * static_cast<index_t>(sizeof(typename Q::stored_scale)) +
         Q::scale_type::tensor_bits / 8;
}
template <storage_element T>
[[nodiscard]] constexpr index_t value_bytes(shape2d shape) noexcept {
  return shape.elements() * static_cast<index_t>(sizeof(T));
}

inline constexpr const char* plain_layout = "one code a byte";
template <quantizer_type Q, layout_policy Layout>
[[nodiscard]] std::string dense_layout() {
  return std::to_string(Q::format_type::bits) + "-bit codes packed, scales " + std::string(Layout::name());
}

}  // namespace detail

template <quantizer_type Q, storage_element T = float>
[[nodiscard]] kernel quantize_kernel(in_default_run rank = in_default_run::in_l2, range_use use = range_use::dynamic) {
  kernel k = detail::described<Q, T>(detail::with_suffix("quantize", use), rank);
  k.layout = detail::plain_layout;
  k.bytes = [](shape2d s) { return traffic{detail::value_bytes<T>(s), detail::plain_bytes<Q>(s)}; };
  k.prepare = [use](tensors& memory, const on_host& where) -> std::function<void()> {
    const matrix_view<const T> x = memory.input<T>();
    const auto out = std::make_shared<plain_codes<Q>>(x.shape);
    const auto ranges = std::make_shared<known_ranges<Q>>(memory.input(), use);
    return [=] { quantize<Q>(where, x, out->view(), ranges->given()); };
  };
  return k;
}

template <quantizer_type Q, storage_element T = float>
[[nodiscard]] kernel quantize_with_scales_kernel(in_default_run rank = in_default_run::in_l2) {
  kernel k = detail::described<Q, T>("quantize_with_scales", rank);
  k.layout = detail::plain_layout;
  k.bytes = [](shape2d s) {
    return traffic{detail::value_bytes<T>(s) + detail::plain_bytes<Q>(s) - Q::code_bytes(s), Q::code_bytes(s)};
  };
  k.prepare = [](tensors& memory, const on_host& where) -> std::function<void()> {
    const matrix_view<const T> x = memory.input<T>();
    const auto out = std::make_shared<plain_codes<Q>>(x.shape);
    quantize<Q>(where, x, out->view());
    return [=] { quantize_with_scales<Q>(where, x, {out->scales, &out->tensor_scale}, out->codes); };
  };
  return k;
}

template <quantizer_type Q, storage_element T = float, layout_policy Layout = row_major>
[[nodiscard]] kernel quantize_packed_kernel(in_default_run rank = in_default_run::in_l2,
                                            range_use use = range_use::dynamic) {
  kernel k = detail::described<Q, T>(detail::with_suffix("quantize_packed", use), rank);
  if (!std::is_same_v<Layout, row_major>) k.work.append("_").append(Layout::name());
  k.layout = detail::dense_layout<Q, Layout>();
  k.bytes = [](shape2d s) { return traffic{detail::value_bytes<T>(s), detail::dense_bytes<Q, Layout>(s)}; };
  k.prepare = [use](tensors& memory, const on_host& where) -> std::function<void()> {
    const matrix_view<const T> x = memory.input<T>();
    const auto out = std::make_shared<dense_codes<Q, Layout>>(x.shape);
    const auto ranges = std::make_shared<known_ranges<Q>>(memory.input(), use);
    return [=] { quantize_packed<Q>(where, x, out->view(), ranges->given()); };
  };
  return k;
}

template <quantizer_type Q, storage_element T = float>
[[nodiscard]] kernel dequantize_kernel(in_default_run rank = in_default_run::in_l2) {
  kernel k = detail::described<Q, T>("dequantize", rank);
  k.layout = detail::plain_layout;
  k.bytes = [](shape2d s) { return traffic{detail::plain_bytes<Q>(s), detail::value_bytes<T>(s)}; };
  k.prepare = [](tensors& memory, const on_host& where) -> std::function<void()> {
    const auto codes = std::make_shared<plain_codes<Q>>(memory.shape());
    quantize<Q>(where, memory.input<float>(), codes->view());
    return [=, y = memory.output<T>()] { dequantize(where, codes->view(), y); };
  };
  return k;
}

template <quantizer_type Q, storage_element T = float, layout_policy Layout = row_major>
[[nodiscard]] kernel dequantize_packed_kernel(in_default_run rank = in_default_run::in_l2) {
  kernel k = detail::described<Q, T>("dequantize_packed", rank);
  if (!std::is_same_v<Layout, row_major>) k.work.append("_").append(Layout::name());
  k.layout = detail::dense_layout<Q, Layout>();
  k.bytes = [](shape2d s) { return traffic{detail::dense_bytes<Q, Layout>(s), detail::value_bytes<T>(s)}; };
  k.prepare = [](tensors& memory, const on_host& where) -> std::function<void()> {
    const auto codes = std::make_shared<dense_codes<Q, Layout>>(memory.shape());
    quantize_packed<Q>(where, memory.input<float>(), codes->view());
    return [=, y = memory.output<T>()] { dequantize_packed(where, codes->view(), y); };
  };
  return k;
}

template <quantizer_type Q, storage_element T = float>
[[nodiscard]] kernel fake_quantize_kernel(in_default_run rank = in_default_run::in_l2,
                                          range_use use = range_use::dynamic) {
  kernel k = detail::described<Q, T>(detail::with_suffix("fake_quantize", use), rank);
  k.layout = "values";
  k.bytes = [](shape2d s) { return traffic{detail::value_bytes<T>(s), detail::value_bytes<T>(s)}; };
  k.prepare = [use](tensors& memory, const on_host& where) -> std::function<void()> {
    const matrix_view<const T> x = memory.input<T>();
    const auto ranges = std::make_shared<known_ranges<Q>>(memory.input(), use);
    return [=, y = memory.output<T>()] { fake_quantize<Q, T>(where, x, y, ranges->given()); };
  };
  return k;
}

}  // namespace qgrain::bench

#endif
