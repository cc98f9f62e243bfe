#include <quantize/recipe_parts.hpp>
#include <quantize/stored_codes.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/interop/compressed_tensors.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::convert {
namespace {

/// Copies the rows of matrices that lie one after the other into the upper left of as many others, `size` bytes a code.
void copy_rows(index_t batches, shape2d from, const std::byte* in, shape2d to, std::byte* out, std::size_t size) {
  const shape2d common{std::min(from.rows, to.rows), std::min(from.cols, to.cols)};
  for (index_t b = 0; b < batches; ++b) {
    for (index_t r = 0; r < common.rows; ++r) {
      std::copy_n(in + static_cast<std::size_t>((b * from.rows + r) * from.cols) * size,
                  static_cast<std::size_t>(common.cols) * size,
                  out + static_cast<std::size_t>((b * to.rows + r) * to.cols) * size);
    }
  }
}

shape2d padded_matrix(const tensor_cut& cut) noexcept {
  return {ceil_div(cut.matrix.rows, cut.group.rows) * cut.group.rows,
          ceil_div(cut.matrix.cols, cut.group.cols) * cut.group.cols};
}

extents with_half_rows(extents shape) {
  shape[shape.size() - 2] /= 2;
  return shape;
}

/// Codes of 4 bits, an even number of rows.
std::vector<std::byte> pack_row_pairs(const std::vector<std::byte>& codes, index_t cols) {
  std::vector<std::byte> packed(codes.size() / 2);
  const auto width = static_cast<std::size_t>(cols);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const std::byte* even = codes.data() + i / width * 2 * width + i % width;
    packed[i] = (even[0] & std::byte{15}) | even[width] << 4;
  }
  return packed;
}

std::vector<std::byte> unpack_row_pairs(const std::vector<std::byte>& packed, index_t cols) {
  std::vector<std::byte> codes(packed.size() * 2);
  const auto width = static_cast<std::size_t>(cols);
  const auto code = [](std::byte bits) {
    return static_cast<std::byte>(code_of_bits<std::int8_t>(std::to_integer<std::uint32_t>(bits), 4));
  };
  for (std::size_t i = 0; i < packed.size(); ++i) {
    std::byte* even = codes.data() + i / width * 2 * width + i % width;
    even[0] = code(packed[i] & std::byte{15});
    even[width] = code(packed[i] >> 4);
  }
  return codes;
}

host_tensor transposed(const host_tensor& tensor, shape2d shape) {
  const auto size = static_cast<std::size_t>(lm::bytes_of(tensor.type));
  host_tensor turned = make_tensor(tensor.type, {shape.cols, shape.rows});
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c) {
      std::copy_n(tensor.bytes.data() + static_cast<std::size_t>(r * shape.cols + c) * size, size,
                  turned.bytes.data() + static_cast<std::size_t>(c * shape.rows + r) * size);
    }
  }
  return turned;
}

}  // namespace

code_limits limits_of_codes(const coding_stage& elements) noexcept {
  const bool has_sign = dtype_of(elements.code_type) == dtype::i8 || dtype_of(elements.code_type) == dtype::i16;
  const std::int64_t half = std::int64_t{1} << (elements.code_bits - 1);
  return has_sign ? code_limits{-half, half - 1} : code_limits{0, 2 * half - 1};
}

extents code_storage::padded_shape() const {
  if (!family.padded || cut.moved_axis >= 0 || shape.empty()) return shape;
  extents padded = shape;
  const shape2d matrix = padded_matrix(cut);
  if (matrix.cols != cut.matrix.cols) padded.back() = matrix.cols;
  if (matrix.rows != cut.matrix.rows) padded[padded.size() - 2] = matrix.rows;
  return padded;
}

dtype code_storage::code_type() const noexcept {
  return family.form == code_form::value ? dtype_of(elements.code_type) : dtype::u8;
}

bool code_storage::is_packed() const noexcept {
  return words_of(family.packing) || (family.packing != code_packing::none && 8 % elements.code_bits == 0);
}

void code_storage::plan(tensor_parts& parts) const {
  const extents padded = padded_shape();
  parts["codes"] = {code_type(), padded, {}};
  if (!is_packed()) return;
  const shape2d rows = rows_of(padded);
  switch (family.packing) {
    case code_packing::none:
      return;
    case code_packing::flat:
      parts["packed"] = {dtype::u8, {packed_bytes(rows.elements(), elements.code_bits)}, {}};
      return;
    case code_packing::int32:
    case code_packing::int32_dense: {
      const index_t words = interop::compressed_tensors_words(rows.cols, elements.code_bits, *words_of(family.packing));
      parts["packed"] = {dtype::i32, with_last(padded, words), {}};
      return;
    }
    case code_packing::row_pairs:
      parts["packed"] = {dtype::u8, with_half_rows(padded), {}};
      return;
    case code_packing::low_first:
    case code_packing::high_first:
      parts["packed"] = {dtype::u8, with_last(padded, packed_bytes(rows.cols, elements.code_bits)), {}};
      return;
  }
}

void code_storage::store(std::vector<std::byte> codes, tensor_parts& parts) const {
  const extents padded = padded_shape();
  if (padded != shape) {
    const auto size = static_cast<std::size_t>(lm::bytes_of(dtype_of(elements.code_type)));
    std::vector<std::byte> wide(static_cast<std::size_t>(element_count(padded)) * size);
    copy_rows(cut.batches, cut.matrix, codes.data(), padded_matrix(cut), wide.data(), size);
    codes = std::move(wide);
  }
  if (family.form != code_form::value) {
    const unsigned mask = (1U << elements.code_bits) - 1U;
    const unsigned offset = family.form == code_form::offset ? 1U << (elements.code_bits - 1) : 0U;
    for (std::byte& code : codes) code = static_cast<std::byte>((std::to_integer<unsigned>(code) + offset) & mask);
  }
  host_tensor& out = parts["codes"] = {code_type(), padded, std::move(codes)};
  if (!is_packed()) return;
  const shape2d rows = rows_of(padded);
  switch (family.packing) {
    case code_packing::none:
      return;
    case code_packing::int32:
    case code_packing::int32_dense:
      parts["packed"] = pack_words(out, elements.code_bits, *words_of(family.packing));
      return;
    case code_packing::row_pairs:
      parts["packed"] = {dtype::u8, with_half_rows(padded), pack_row_pairs(out.bytes, rows.cols)};
      return;
    case code_packing::flat:
      parts["packed"] = {dtype::u8,
                         {packed_bytes(rows.elements(), elements.code_bits)},
                         pack_rows(out.bytes, rows.elements(), elements.code_bits, bit_order::low_first)};
      return;
    case code_packing::low_first:
    case code_packing::high_first: {
      const bit_order order = family.packing == code_packing::low_first ? bit_order::low_first : bit_order::high_first;
      parts["packed"] = {dtype::u8, with_last(padded, packed_bytes(rows.cols, elements.code_bits)),
                         pack_rows(out.bytes, rows.cols, elements.code_bits, order)};
      return;
    }
  }
}

std::vector<std::byte> code_storage::load(const tensor_facts& facts, const tensor_parts& stored,
                                          std::string_view recipe_name) const {
  const host_tensor* plain = find_part(stored, "codes");
  const host_tensor* packed = is_packed() ? find_part(stored, "packed") : nullptr;
  if (plain == nullptr && packed == nullptr) {
    (void)require_part(facts, stored, is_packed() ? "packed" : "codes", recipe_name);
  }
  if (plain == nullptr) return from_packed(facts, *packed, recipe_name);
  std::vector<std::byte> codes = from_plain(facts, *plain, recipe_name);
  if (packed == nullptr) return codes;
  const std::vector<std::byte> others = from_packed(facts, *packed, recipe_name);
  const auto [one, other] = std::mismatch(codes.begin(), codes.end(), others.begin());
  if (one == codes.end()) return codes;
  throw error(errc::bad_file, facts.where + ": \"codes\" and \"packed\" contradict each other at " +
                                  place_text(shape, one - codes.begin()) + ": " +
                                  std::to_string(std::to_integer<int>(*one)) + " and " +
                                  std::to_string(std::to_integer<int>(*other)));
}

std::vector<std::byte> code_storage::from_plain(const tensor_facts& facts, const host_tensor& plain,
                                                std::string_view recipe_name) const {
  if (plain.type != code_type()) {
    refuse(facts, "\"codes\" is " + text_of(plain.type, plain.shape) + ", but recipe " + std::string(recipe_name) +
                      " has " + std::string(lm::name_of(code_type())));
  }
  const extents padded = padded_shape();
  require_shape(facts, "codes", plain, shape, &padded);
  if (elements.code_bits < 8) {
    const code_limits limits =
        family.form == code_form::value ? limits_of_codes(elements) : code_limits{0, (1 << elements.code_bits) - 1};
    const bool has_sign = plain.type == dtype::i8;
    for (std::size_t i = 0; i < plain.bytes.size(); ++i) {
      const std::int64_t code =
          has_sign ? plain.data<std::int8_t>()[i] : static_cast<std::int64_t>(plain.data<std::uint8_t>()[i]);
      if (code >= limits.least && code <= limits.most) continue;
      throw error(errc::out_of_range, facts.where + ": \"codes\" hold " + std::to_string(code) + " at " +
                                          place_text(plain.shape, static_cast<index_t>(i)) + ", where " +
                                          std::string(elements.format) + " has codes from " +
                                          std::to_string(limits.least) + " to " + std::to_string(limits.most));
    }
  }
  return in_own_form(plain.bytes, plain.elements() != element_count(shape));
}

std::vector<std::byte> code_storage::from_packed(const tensor_facts& facts, const host_tensor& packed,
                                                 std::string_view recipe_name) const {
  const extents padded = padded_shape();
  const shape2d rows = rows_of(padded);
  tensor_parts wanted;
  plan(wanted);
  const host_tensor& like = wanted.at("packed");
  if (packed.type != like.type) {
    refuse(facts, "\"packed\" is " + text_of(packed.type, packed.shape) + ", but recipe " + std::string(recipe_name) +
                      " has " + std::string(lm::name_of(like.type)));
  }
  require_shape(facts, "packed", packed, like.shape);
  if (const auto words = words_of(family.packing)) {
    return in_own_form(unpack_words(packed, rows, elements.code_bits, *words), padded != shape);
  }
  if (family.packing == code_packing::row_pairs) return unpack_row_pairs(packed.bytes, rows.cols);
  if (family.packing == code_packing::flat) {
    return in_own_form(unpack_rows(packed.bytes, 1, rows.elements(), elements.code_bits, bit_order::low_first),
                       padded != shape);
  }
  const bit_order order = family.packing == code_packing::low_first ? bit_order::low_first : bit_order::high_first;
  return in_own_form(unpack_rows(packed.bytes, rows.rows, rows.cols, elements.code_bits, order), padded != shape);
}

std::vector<std::byte> code_storage::in_own_form(std::vector<std::byte> codes, bool with_padding) const {
  if (family.form != code_form::value) {
    const int top = 1 << (elements.code_bits - 1);
    const bool extended = dtype_of(elements.code_type) == dtype::i8;
    for (std::byte& code : codes) {
      const int low = std::to_integer<int>(code) & (2 * top - 1);
      const bool negative = extended && low >= top;
      const int value = family.form == code_form::offset ? low - top : negative ? low - 2 * top : low;
      code = static_cast<std::byte>(value & 255);
    }
  }
  if (!with_padding) return codes;
  const auto size = static_cast<std::size_t>(lm::bytes_of(dtype_of(elements.code_type)));
  std::vector<std::byte> kept(static_cast<std::size_t>(element_count(shape)) * size);
  copy_rows(cut.batches, padded_matrix(cut), codes.data(), cut.matrix, kept.data(), size);
  return kept;
}

host_tensor pack_words(const host_tensor& codes, int bits, interop::word_packing packing) {
  const shape2d shape = rows_of(codes.shape);
  const index_t width = interop::compressed_tensors_words(shape.cols, bits, packing);
  host_tensor words = make_tensor(dtype::i32, with_last(codes.shape, width));
  interop::pack_to_int32({codes.data<std::int8_t>(), shape}, bits,
                         matrix_view<std::int32_t>{words.data<std::int32_t>(), {shape.rows, width}}, packing);
  return words;
}

std::vector<std::byte> unpack_words(const host_tensor& words, shape2d shape, int bits, interop::word_packing packing) {
  const index_t width = interop::compressed_tensors_words(shape.cols, bits, packing);
  std::vector<std::byte> codes(static_cast<std::size_t>(shape.elements()));
  interop::unpack_from_int32({words.data<std::int32_t>(), {shape.rows, width}}, bits,
                             matrix_view<std::int8_t>{reinterpret_cast<std::int8_t*>(codes.data()), shape}, packing);
  return codes;
}

host_tensor pack_zero_points(const host_tensor& zero_points, shape2d groups, int bits, interop::word_packing packing) {
  const host_tensor words = pack_words(transposed(zero_points, groups), bits, packing);
  return transposed(words, {groups.cols, words.shape.back()});
}

std::vector<std::int64_t> unpack_zero_points(const host_tensor& words, shape2d groups, int bits,
                                             interop::word_packing packing) {
  const shape2d turned{groups.cols, groups.rows};
  const host_tensor rows =
      transposed(words, rows_of({interop::compressed_tensors_words(groups.rows, bits, packing), groups.cols}));
  const host_tensor zeros =
      transposed({dtype::i8, {turned.rows, turned.cols}, unpack_words(rows, turned, bits, packing)}, turned);
  return integers_of(zeros, "");
}

}  // namespace qgrain::convert
