// The day of an engine author: ten uses of the headers, each as such a user would write it, none with a cast. The same
// file is compiled with and without exceptions, so errors are statuses here. Values are checked by definitions.
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/calibration/observer.hpp>
#include <qgrain/qgrain.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using int4_g128 = qgrain::quantizer<qgrain::int4, qgrain::per_group<128>>;

int failures = 0;

void require(bool held, const char* what) {
  if (held) return;
  std::printf("failed: %s\n", what);
  ++failures;
}

/// Numbers of a bell without a library.
std::vector<float> bell(std::size_t count, std::uint32_t seed = 1) {
  std::vector<float> x(count);
  for (float& v : x) {
    float sum = 0.0F;
    for (int i = 0; i < 4; ++i) {
      seed = seed * 1664525U + 1013904223U;
      sum += static_cast<float>(seed >> 8U) / 16777216.0F - 0.5F;
    }
    v = sum;
  }
  return x;
}

template <class T>
std::vector<T> rounded(const std::vector<float>& x) {
  std::vector<T> y;
  for (const float v : x) y.push_back(qgrain::from_float<T>(v));
  return y;
}

// 1. Activations in bf16, three times as wide in memory, to fp8 per token.
void activations_per_token() {
  using fp8_token = qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_token>;
  const auto x = rounded<qgrain::bfloat16>(bell(6 * 3 * 64));
  const qgrain::matrix_view tokens(x.data(), {6, 64}, 3 * 64);
  std::vector<std::uint8_t> codes(6 * 64);
  std::vector<float> scales(6);
  const qgrain::quantized_view<fp8_token> out{codes.data(), scales.data(), nullptr, {6, 64}};
  require(static_cast<bool>(qgrain::try_quantize(qgrain::on_host{}, tokens, out)), "fp8 per token");
  for (qgrain::index_t r = 0; r < 6; ++r) {
    float largest = 0.0F;
    for (qgrain::index_t c = 0; c < 64; ++c) largest = std::max(largest, std::fabs(qgrain::to_float(tokens(r, c))));
    for (qgrain::index_t c = 0; c < 64; ++c) {
      const float value = qgrain::to_float(tokens(r, c));
      // Half a step of e4m3 is a 16th of the value, or half of the least number.
      const float limit = std::max(std::fabs(value) / 16.0F, largest / 448.0F / 1024.0F) * 1.0001F;
      require(std::fabs(out(r, c) - value) <= limit, "an fp8 value is the nearest one");
    }
  }
}

/// What any engine has: weights that it promises not to change.
void gemv(qgrain::packed_view<const int4_g128> weights, const float* x, float* y) {
  for (qgrain::index_t r = 0; r < weights.shape.rows; ++r) {
    y[r] = 0.0F;
    for (qgrain::index_t c = 0; c < weights.shape.cols; ++c) y[r] += weights(r, c) * x[c];
  }
}

// 2. int4 weights in groups of 128, packed, and a product over them.
void packed_weights() {
  const std::vector<float> w = bell(8 * 256);
  const std::vector<float> x = bell(256, 7);
  const auto packed = qgrain::quantize_packed<int4_g128>(qgrain::on_host{}, {w.data(), {8, 256}});
  require(packed.codes.size() == 8 * 256 / 2, "two codes per byte");
  std::vector<float> y(8);
  gemv(packed.view(), x.data(), y.data());
  for (std::size_t r = 0; r < 8; ++r) {
    float exact = 0.0F;
    float limit = 0.0F;
    for (std::size_t c = 0; c < 256; ++c) {
      exact += w[r * 256 + c] * x[c];
      limit += packed.scales[r * 2 + c / 128] / 2.0F * std::fabs(x[c]) * 1.001F;
    }
    require(std::fabs(y[r] - exact) <= limit, "the product is within the rounding of its weights");
  }
}

// 3. NVFP4 under a tensor scale of a checkpoint, packed, scales in tiles for the tensor cores: one call.
void nvfp4_for_tensor_cores() {
  using nvfp4 = qgrain::nvfp4_modelopt;
  using view = qgrain::packed_view<nvfp4, qgrain::scale_tiles_128x4>;
  constexpr qgrain::shape2d shape{130, 96};
  const auto x = rounded<qgrain::bfloat16>(bell(130 * 96));
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(view::code_bytes(shape)));
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(view::scale_count(shape)));
  require(scales.size() == 256 * 8, "scales in whole tiles of 128 x 4");
  float tensor_scale = 0.0F;
  const view out{codes.data(), scales.data(), &tensor_scale, shape};
  const qgrain::status done = qgrain::try_quantize_packed(qgrain::on_host{}, qgrain::matrix_view(x.data(), shape), out,
                                                          {.tensor_scale = 0.0123F});
  require(static_cast<bool>(done) && tensor_scale == 0.0123F, "the tensor scale is the one that was given");
  for (qgrain::index_t r = 0; r < shape.rows; ++r) {
    for (qgrain::index_t g = 0; g < 6; ++g) {
      float largest = 0.0F;
      for (qgrain::index_t c = 0; c < 16; ++c)
        largest = std::max(largest, std::fabs(qgrain::to_float(x[static_cast<std::size_t>(r * 96 + g * 16 + c)])));
      const float block = qgrain::float8_e4m3fn::decode(scales[static_cast<std::size_t>(out.scale_index(r, g * 16))]);
      const float wanted = largest / 6.0F / 0.0123F;
      require(std::fabs(block - wanted) <= std::max(wanted / 16.0F, 1.0F / 1024.0F) * 1.0001F, "a block scale");
    }
  }
}

// 4. int8 with a range from a percentile, in place.
void percentile_in_place() {
  using int8_tensor = qgrain::quantizer<qgrain::int8, qgrain::per_tensor>;
  std::vector<float> x = bell(64 * 64);
  x[17] = 100.0F;  // an outlier
  const std::vector<float> before = x;
  const qgrain::matrix_view matrix(x.data(), {64, 64});
  const std::vector<float> range =
      qgrain::choose_ranges<int8_tensor>(qgrain::on_host{}, matrix, qgrain::percentile_range{99.9});
  require(range.size() == 1 && range[0] < 4.0F, "the percentile leaves the outlier out");
  const qgrain::status done =
      qgrain::try_fake_quantize<int8_tensor>(qgrain::on_host{}, matrix, matrix, {.absmax = range});
  require(static_cast<bool>(done), "int8 in place");
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::fabs(before[i]) <= range[0])
      require(std::fabs(x[i] - before[i]) <= range[0] / 127.0F / 2.0F * 1.0001F, "an int8 value is the nearest one");
  }
  require(std::fabs(x[17] - range[0]) < range[0] * 1e-5F, "the outlier saturates");
}

// 5. uint8 from a minimum and a maximum that are known.
void static_asymmetric() {
  using uint8_tensor = qgrain::quantizer<qgrain::uint8, qgrain::per_tensor, qgrain::minmax_f32>;
  const std::vector<float> x = bell(4 * 32);
  const std::vector<qgrain::signed_range> ends{qgrain::range_between(-0.5F, 1.5F)};
  qgrain::quantized_matrix<uint8_tensor> out({4, 32});
  const qgrain::status done =
      qgrain::try_quantize(qgrain::on_host{}, qgrain::matrix_view(x.data(), {4, 32}), out.view(), {.ends = ends});
  require(static_cast<bool>(done), "uint8 from both ends");
  require(out.scales[0].scale == 2.0F / 255.0F && out.scales[0].zero_point == 64, "scale and zero point");
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float code = std::clamp(std::nearbyint(x[i] / (2.0F / 255.0F)) + 64.0F, 0.0F, 255.0F);
    require(static_cast<float>(out.codes[i]) == code, "a uint8 code");
  }
}

// 6. A KV cache [tokens, heads, dim], one scale per token and head, read where it lies.
void kv_cache() {
  using fp8_row = qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_token>;
  constexpr qgrain::matrix_stack cache{5, {4, 16}};  // tokens of heads x dim
  const auto x = rounded<qgrain::float16>(bell(5 * 100));
  const qgrain::stack_view tokens(x.data(), cache, 16, 100);  // 100 elements from token to token
  std::vector<std::uint8_t> codes(5 * 4 * 16);
  std::vector<float> scales(5 * 4);
  const qgrain::quantized_stack_view<fp8_row> out{codes.data(), scales.data(), nullptr, cache};
  require(static_cast<bool>(qgrain::try_quantize(qgrain::thread_pool(2), tokens, out)), "a KV cache");
  for (qgrain::index_t t = 0; t < 5; ++t) {
    for (qgrain::index_t h = 0; h < 4; ++h) {
      float largest = 0.0F;
      for (qgrain::index_t d = 0; d < 16; ++d)
        largest = std::max(largest, std::fabs(qgrain::to_float(tokens[t](h, d))));
      const float scale = scales[static_cast<std::size_t>(t * 4 + h)];
      require(std::fabs(scale - largest / 448.0F) <= scale * 1e-6F, "one scale per token and head");
    }
  }
}

// 7. 64 expert matrices in one call.
void experts() {
  using int4_groups = qgrain::quantizer<qgrain::int4, qgrain::per_group<32>>;
  constexpr qgrain::matrix_stack all{64, {8, 64}};
  const std::vector<float> w = bell(64 * 8 * 64);
  using view = qgrain::packed_stack_view<int4_groups>;
  std::vector<std::uint8_t> codes(64 * 8 * 64 / 2);
  std::vector<float> scales(64 * 8 * 2);
  const view out{codes.data(), scales.data(), nullptr, all};
  const qgrain::status done =
      qgrain::try_quantize_packed(qgrain::thread_pool(3), qgrain::stack_view(w.data(), all), out);
  require(static_cast<bool>(done), "64 experts");
  const auto last = qgrain::quantize_packed<int4_groups>(qgrain::on_host{}, {w.data() + 63 * 512, {8, 64}});
  require(std::equal(last.codes.begin(), last.codes.end(), codes.end() - 256), "the last expert is quantized as alone");
}

// 8. A recipe chosen by name when the program runs, to packed bytes.
void by_name(std::string_view name, std::size_t bytes) {
  using recipes = qgrain::recipe_list<int4_g128, qgrain::mxfp4_ocp, qgrain::nvfp4_modelopt>;
  const std::vector<float> w = bell(2 * 256);
  std::vector<std::uint8_t> packed;
  const qgrain::status found = qgrain::try_dispatch(recipes{}, name, [&]<class Q>(std::type_identity<Q>) {
    packed = qgrain::quantize_packed<Q>(qgrain::on_host{}, {w.data(), {2, 256}}).codes;
  });
  require(static_cast<bool>(found) == (bytes > 0), "names are found, others are not");
  require(packed.size() == bytes, "packed bytes of a recipe by name");
}

// 9. Formats, scales, granularities and layouts of one's own.
struct sign_and_two {  // -2, -1, 1, 2
  using code_type = std::uint8_t;
  static constexpr int bits = 2;
  static constexpr float max_finite = 2.0F;
  static constexpr std::string_view name() noexcept { return "sign_and_two"; }
  static constexpr code_type encode(float x) noexcept {
    return static_cast<code_type>((x < 0.0F ? 2 : 0) + ((x < 0.0F ? -x : x) > 1.5F ? 1 : 0));
  }
  static constexpr float decode(code_type code) noexcept {
    return ((code & 2U) != 0 ? -1.0F : 1.0F) * ((code & 1U) != 0 ? 2.0F : 1.0F);
  }
};
struct whole_scale {  // the largest magnitude, rounded up to an integer, divides
  using stored_type = float;
  using factors_type = float;
  static constexpr int bits = 32;
  static constexpr int tensor_bits = 0;
  static constexpr std::string_view name() noexcept { return "whole"; }
  template <class Format>
  static constexpr float tensor_scale(float) noexcept {
    return 1.0F;
  }
  template <class Format>
  static constexpr float stored(float absmax, float) noexcept {
    return static_cast<float>(static_cast<int>(absmax) + 1);
  }
  static constexpr float factors(float stored, float) noexcept { return stored; }
  static constexpr float scaled(float x, float f) noexcept { return x * 2.0F / f; }
  static constexpr float restored(float q, float f) noexcept { return q * f / 2.0F; }
};
struct pairs_of_rows {
  static constexpr std::string_view name() noexcept { return "pairs_of_rows"; }
  static constexpr qgrain::shape2d group_shape(qgrain::shape2d shape) noexcept { return {2, shape.cols}; }
};
struct backwards {
  static constexpr std::string_view name() noexcept { return "backwards"; }
  static constexpr qgrain::shape2d padded(qgrain::shape2d shape) noexcept { return shape; }
  static constexpr qgrain::index_t index(qgrain::shape2d shape, qgrain::matrix_cell at) noexcept {
    return shape.elements() - 1 - (at.row * shape.cols + at.col);
  }
  static constexpr qgrain::matrix_cell cell(qgrain::shape2d shape, qgrain::index_t position) noexcept {
    const qgrain::index_t i = shape.elements() - 1 - position;
    return {i / shape.cols, i % shape.cols};
  }
};
void foreign_policies() {
  using mine = qgrain::quantizer<sign_and_two, pairs_of_rows, whole_scale>;
  const std::vector<float> x{0.5F, -1.0F, 2.5F, -3.0F, 0.25F, 0.5F, -0.75F, 0.1F, 9.0F, -8.0F, 1.0F, 5.0F};
  const auto packed = qgrain::quantize_packed<mine, backwards>(qgrain::on_host{}, {x.data(), {3, 4}});
  require(packed.scales == std::vector<float>({10.0F, 4.0F}), "scales of row pairs, backwards");
  // 0.5 is 0.25 of 1, so 1 (code 0); -1 is -1 (2); 2.5 is 1.25: 1 (0); -3 is -1.5: -1 (2).
  require(packed.codes[0] == (0U | 2U << 2U | 0U << 4U | 2U << 6U), "codes of a format of one's own");
  std::vector<float> y(12);
  require(static_cast<bool>(
              qgrain::try_dequantize_packed(qgrain::on_host{}, packed.view(), qgrain::matrix_view(y.data(), {3, 4}))),
          "the way back");
  require(y[0] == 2.0F && y[3] == -2.0F && y[8] == 10.0F, "values of a format of one's own");
}

// 10. What goes wrong is a status with both numbers, and nothing has been written.
void refusals() {
  using fp8_token = qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_token>;
  std::vector<float> x(32, 1.0F);
  std::vector<std::uint8_t> codes(32, 5);
  std::vector<float> scales(4, 5.0F);
  const qgrain::quantized_view<fp8_token> out{codes.data(), scales.data(), nullptr, {4, 8}};
  const qgrain::status other = qgrain::try_quantize(qgrain::on_host{}, qgrain::matrix_view(x.data(), {2, 16}), out);
  require(other.code() == qgrain::errc::invalid_shape && other.wanted() == 2 && other.found() == 4, "another shape");
  const std::vector<float> ranges(3, 1.0F);
  const qgrain::status few =
      qgrain::try_quantize(qgrain::on_host{}, qgrain::matrix_view(x.data(), {4, 8}), out, {.absmax = ranges});
  require(few.code() == qgrain::errc::invalid_shape && few.wanted() == 4 && few.found() == 3, "too few ranges");
  const qgrain::status none =
      qgrain::try_dequantize(qgrain::on_host{}, qgrain::quantized_view<fp8_token>{nullptr, nullptr, nullptr, {4, 8}},
                             qgrain::matrix_view(x.data(), {4, 8}));
  require(none.code() == qgrain::errc::invalid_argument, "no memory");
  require(codes == std::vector<std::uint8_t>(32, 5) && scales == std::vector<float>(4, 5.0F), "nothing was written");
}

}  // namespace

int main() {
  activations_per_token();
  packed_weights();
  nvfp4_for_tensor_cores();
  percentile_in_place();
  static_asymmetric();
  kv_cache();
  experts();
  by_name("int4/group128", 256);
  by_name("mxfp4_ocp", 256);
  by_name("int5/group128", 0);
  foreign_policies();
  refusals();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
