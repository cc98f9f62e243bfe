#include <quantize/recipe_parts.hpp>

#include <qgrain/quantizer/packing.hpp>

#include <algorithm>
#include <export/folder/tensor_piece.hpp>

namespace qgrain::exports {
namespace {

constexpr std::int64_t word_bytes = 4;

// Signed codes as unsigned ones.
std::vector<std::byte> lifted(std::span<const std::byte> codes, int bits) {
  std::vector<std::byte> out(codes.size());
  const int half = 1 << (bits - 1);
  std::transform(codes.begin(), codes.end(), out.begin(), [&](std::byte code) {
    return static_cast<std::byte>((std::to_integer<int>(code) + half) & (2 * half - 1));
  });
  return out;
}

// Each row as whole words, codes lying across them.
std::vector<std::byte> words_of(std::span<const std::byte> codes, std::int64_t cols, int bits) {
  const std::vector<std::byte> packed = convert::pack_rows(lifted(codes, bits), cols, bits, bit_order::low_first);
  const auto used = static_cast<std::size_t>(packed_bytes(cols, bits));
  const auto width = static_cast<std::size_t>(ceil_div(cols * bits, 8 * word_bytes) * word_bytes);
  if (used == width) return packed;
  const std::size_t rows = packed.size() / used;
  std::vector<std::byte> words(rows * width);
  for (std::size_t r = 0; r < rows; ++r) std::copy_n(packed.data() + r * used, used, words.data() + r * width);
  return words;
}

// [rows, groups] to words along the rows, [words, groups].
std::vector<std::byte> zero_point_words(std::span<const std::int64_t> zero_points, std::int64_t groups, int bits) {
  const std::int64_t rows = static_cast<std::int64_t>(zero_points.size()) / groups;
  std::vector<std::byte> turned(zero_points.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t g = 0; g < groups; ++g)
      turned[static_cast<std::size_t>(g * rows + r)] =
          static_cast<std::byte>(zero_points[static_cast<std::size_t>(r * groups + g)]);
  }
  const std::vector<std::byte> packed = words_of(turned, rows, bits);
  const std::int64_t words = static_cast<std::int64_t>(packed.size()) / word_bytes / groups;
  std::vector<std::byte> out(packed.size());
  for (std::int64_t g = 0; g < groups; ++g) {
    for (std::int64_t w = 0; w < words; ++w)
      std::copy_n(packed.data() + (g * words + w) * word_bytes, word_bytes, out.data() + (w * groups + g) * word_bytes);
  }
  return out;
}

std::vector<std::byte> number_bytes(lm::dtype type, float value) {
  return convert::tensor_of(type, {1}, std::span(&value, 1)).bytes;
}

tensor_piece scales_piece(const planned_tensor& tensor, const model_linear& linear, const stored_format& f,
                          const coded_rows& rows, std::int64_t first_row) {
  std::vector<std::byte> bytes = rows.scale_codes;
  if (bytes.empty()) {
    const auto count = static_cast<std::int64_t>(rows.scales.size());
    bytes = convert::tensor_of(tensor.type, {count}, rows.scales).bytes;
  }
  if (f.groups == granularity_kind::per_tensor) return {0, first_row == 0 ? bytes : std::vector<std::byte>()};
  const std::int64_t tall = f.groups == granularity_kind::per_tile ? f.size.rows : 1;
  const std::int64_t row_bytes = f.scales({linear.rows, linear.cols}).cols * lm::bytes_of(tensor.type);
  return {first_row / tall * row_bytes, std::move(bytes)};
}

}  // namespace

tensor_piece piece_of(const planned_tensor& tensor, const model_linear& linear, const layer_coding& coding,
                      const weight_coder& coder, const coded_rows& rows, std::int64_t first_row) {
  const stored_format& f = coding.format;
  const auto once = [&](const auto& make) {
    return tensor_piece{0, first_row == 0 ? make() : std::vector<std::byte>()};
  };
  switch (tensor.role) {
    case tensor_role::values:
      break;
    case tensor_role::codes:
    case tensor_role::nibbles:
      return {first_row * (tensor.bytes / linear.rows), rows.codes};
    case tensor_role::words:
      return {first_row * (tensor.bytes / linear.rows), words_of(rows.codes, linear.cols, f.bits)};
    case tensor_role::scales:
      return scales_piece(tensor, linear, f, rows, first_row);
    case tensor_role::zero_points: {
      const std::int64_t groups = tensor.shape.back();
      return {first_row * f.bits / (8 * word_bytes) * groups * word_bytes,
              zero_point_words(rows.zero_points, groups, f.bits)};
    }
    case tensor_role::shape:
      return once([&] {
        const std::array<std::int64_t, 2> shape{linear.rows, linear.cols};
        const std::span<const std::byte> bytes = std::as_bytes(std::span(shape));
        return std::vector<std::byte>(bytes.begin(), bytes.end());
      });
    case tensor_role::tensor_scale:
      return once([&] { return number_bytes(tensor.type, coder.tensor_scale()); });
    case tensor_role::tensor_divisor:
      return once([&] { return number_bytes(tensor.type, coder.tensor_divisor()); });
    case tensor_role::input_scale:
      return once([&] { return number_bytes(tensor.type, input_scale_of(linear, coding)); });
    case tensor_role::input_divisor:
      return once([&] { return number_bytes(tensor.type, input_divisor_of(linear, coding)); });
  }
  return {};
}

}  // namespace qgrain::exports
