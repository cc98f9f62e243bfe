#include <lm/quantized/coded_weight.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::lm {
namespace {

template <class Element>
std::vector<Element> elements_of(const stored_tensor& tensor, std::int64_t first, std::int64_t count) {
  std::vector<Element> out(static_cast<std::size_t>(count));
  tensor.file->read_bytes(*tensor.info, first * static_cast<std::int64_t>(sizeof(Element)),
                          std::as_writable_bytes(std::span(out)));
  return out;
}

std::vector<float> scales_of_row(const weight_storage& w, std::int64_t row) {
  const std::int64_t first = row / w.rows_per_scale * w.scale_cols;
  std::vector<float> scales(static_cast<std::size_t>(w.scale_cols));
  if (bytes_of(w.scales.info->type) > 1) {
    w.scales.file->read_f32(*w.scales.info, first, scales);
  } else {
    const auto decode = w.scales.info->type == dtype::f8_e4m3 ? &float8_e4m3fn::decode : &float8_e8m0fnu::decode;
    const auto bytes = elements_of<std::uint8_t>(w.scales, first, w.scale_cols);
    std::transform(bytes.begin(), bytes.end(), scales.begin(), decode);
  }
  for (float& scale : scales) scale = scale / w.divisor * w.multiplier;
  return scales;
}

// Words along dimension 0: of every group those that hold this row's.
std::vector<std::int8_t> zero_points_of_row(const weight_storage& w, std::int64_t row) {
  const std::int64_t groups = w.scale_cols;
  const interop::word_place place = interop::place_in_words(row, w.bits, w.packing);
  const bool goes_on = place.shift + w.bits > 32;
  const auto words = elements_of<std::int32_t>(*w.zero_points, place.word * groups, goes_on ? 2 * groups : groups);
  std::vector<std::int8_t> zeros(static_cast<std::size_t>(groups));
  for (std::size_t g = 0; g < zeros.size(); ++g) {
    zeros[g] = interop::code_in_words(words[g], goes_on ? words[zeros.size() + g] : 0, place.shift, w.bits);
  }
  return zeros;
}

void codes_of_row(const weight_storage& w, std::int64_t row, std::span<float> out) {
  switch (w.layout) {
    case code_layout::e4m3: {
      const auto bytes = elements_of<std::uint8_t>(w.codes, row * w.cols, w.cols);
      std::transform(bytes.begin(), bytes.end(), out.begin(), &float8_e4m3fn::decode);
      return;
    }
    case code_layout::int8: {
      const auto codes = elements_of<std::int8_t>(w.codes, row * w.cols, w.cols);
      std::transform(codes.begin(), codes.end(), out.begin(),
                     [](std::int8_t code) { return static_cast<float>(code); });
      return;
    }
    case code_layout::words: {
      const index_t width = interop::compressed_tensors_words(w.cols, w.bits, w.packing);
      const auto words = elements_of<std::int32_t>(w.codes, row * width, width);
      std::vector<std::int8_t> codes(out.size());
      interop::unpack_from_int32({words.data(), {1, width}}, w.bits,
                                 matrix_view<std::int8_t>{codes.data(), {1, w.cols}}, w.packing);
      std::transform(codes.begin(), codes.end(), out.begin(),
                     [](std::int8_t code) { return static_cast<float>(code); });
      return;
    }
    case code_layout::e2m1: {
      const auto bytes = elements_of<std::uint8_t>(w.codes, row * (w.cols / 2), w.cols / 2);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[2 * i] = float4_e2m1fn::decode(bytes[i] & 15U);
        out[2 * i + 1] = float4_e2m1fn::decode(bytes[i] >> 4U);
      }
      return;
    }
    case code_layout::int4_rows: {
      const auto bytes = elements_of<std::uint8_t>(w.codes, row / 2 * w.cols, w.cols);
      std::transform(bytes.begin(), bytes.end(), out.begin(), [&](std::uint8_t both) {
        return static_cast<float>(code_of_bits<std::int8_t>(row % 2 == 0 ? both & 15U : both >> 4U, 4));
      });
      return;
    }
  }
}

}  // namespace

void read_row(const weight_storage& w, std::int64_t row, std::span<float> out) {
  codes_of_row(w, row, out);
  const std::vector<float> scales = scales_of_row(w, row);
  const std::vector<std::int8_t> zeros = w.zero_points ? zero_points_of_row(w, row) : std::vector<std::int8_t>();
  for (std::size_t c = 0; c < out.size(); ++c) {
    const std::size_t group =
        w.groups.empty() ? c / static_cast<std::size_t>(w.cols_per_scale) : static_cast<std::size_t>(w.groups[c]);
    const float zero = zeros.empty() ? 0.0F : static_cast<float>(zeros[group]);
    out[c] = (out[c] - zero) * scales[group];
  }
  for (std::size_t c = 0; c < w.column_factors.size(); ++c) out[c] *= w.column_factors[c];
}

}  // namespace qgrain::lm
