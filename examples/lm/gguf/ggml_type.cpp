#include <lm/gguf/ggml_type.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/interop/ggml.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

namespace qgrain::lm {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are structs whose bytes are those of the file");

// One float as a block, so that plain types are rows of the same table.
template <class Stored>
struct plain_block {
  static constexpr int elements = 1;
  Stored stored;
  [[nodiscard]] static plain_block encode(const float* x) noexcept {
    if constexpr (std::is_same_v<Stored, float>) {
      return {*x};
    } else {
      return {from_float<Stored>(*x)};
    }
  }
  [[nodiscard]] float value(int) const noexcept {
    if constexpr (std::is_same_v<Stored, float>) {
      return stored;
    } else {
      return to_float(stored);
    }
  }
};

template <class Block>
constexpr ggml_type coded(std::uint32_t number, std::string_view name) {
  ggml_type type{number, name, Block::elements, sizeof(Block)};
  if constexpr (requires(const float* x) { Block::encode(x); }) {
    type.encode = [](std::span<const float> in, std::byte* out) {
      for (std::size_t at = 0; at < in.size(); at += Block::elements, out += sizeof(Block)) {
        const Block block = Block::encode(in.data() + at);
        std::memcpy(out, &block, sizeof block);
      }
    };
  }
  type.decode = [](const std::byte* in, std::span<float> out) {
    for (std::size_t at = 0; at < out.size(); at += Block::elements, in += sizeof(Block)) {
      Block block;
      std::memcpy(&block, in, sizeof block);
      for (int i = 0; i < Block::elements; ++i) out[at + static_cast<std::size_t>(i)] = block.value(i);
    }
  };
  return type;
}

constexpr std::array<ggml_type, 33> type_table{
    coded<plain_block<float>>(0, "F32"),
    coded<plain_block<float16>>(1, "F16"),
    coded<interop::ggml_q4_0>(2, "Q4_0"),
    coded<interop::ggml_q4_1>(3, "Q4_1"),
    coded<interop::ggml_q5_0>(6, "Q5_0"),
    coded<interop::ggml_q5_1>(7, "Q5_1"),
    coded<interop::ggml_q8_0>(8, "Q8_0"),
    coded<interop::ggml_q2_k>(10, "Q2_K"),
    coded<interop::ggml_q3_k>(11, "Q3_K"),
    coded<interop::ggml_q4_k>(12, "Q4_K"),
    coded<interop::ggml_q5_k>(13, "Q5_K"),
    coded<interop::ggml_q6_k>(14, "Q6_K"),
    {15, "Q8_K", 256, 292},
    {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98},
    {19, "IQ1_S", 256, 50},
    coded<interop::ggml_iq4_nl>(20, "IQ4_NL"),
    {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},
    coded<interop::ggml_iq4_xs>(23, "IQ4_XS"),
    {24, "I8", 1, 1},
    {25, "I16", 1, 2},
    {26, "I32", 1, 4},
    {27, "I64", 1, 8},
    {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},
    coded<interop::ggml_bf16>(30, "BF16"),
    {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},
    coded<interop::ggml_mxfp4>(39, "MXFP4"),
    coded<interop::ggml_nvfp4>(40, "NVFP4"),
    {41, "Q1_0", 128, 18},
};

}  // namespace

std::span<const ggml_type> ggml_types() noexcept { return type_table; }

const ggml_type* find_ggml_type(std::uint32_t number) noexcept {
  const auto found =
      std::find_if(type_table.begin(), type_table.end(), [&](const ggml_type& t) { return t.number == number; });
  return found == type_table.end() ? nullptr : &*found;
}
const ggml_type* find_ggml_type(std::string_view name) noexcept {
  const auto found =
      std::find_if(type_table.begin(), type_table.end(), [&](const ggml_type& t) { return t.name == name; });
  return found == type_table.end() ? nullptr : &*found;
}

}  // namespace qgrain::lm
