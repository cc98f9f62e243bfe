// ggml's blocks, byte for byte, and values of the formats that are only read.
#include <support/conformance.hpp>

#include <qgrain/interop/ggml.hpp>

#include <cstring>
#include <limits>

using namespace qgrain;
using qgrain_test::conformance;
using qgrain_test::tensor;

namespace {

template <class Block>
std::vector<Block> blocks_of(const tensor& packed) {
  std::vector<Block> blocks(packed.bytes.size() / sizeof(Block));
  std::memcpy(blocks.data(), packed.bytes.data(), blocks.size() * sizeof(Block));
  return blocks;
}

template <class Block>
void compare_values(conformance& books, const std::string& label, const std::vector<Block>& blocks) {
  const tensor dequant = books.file.get(label + ".dequant");
  std::vector<float> values(static_cast<std::size_t>(dequant.count()));
  interop::ggml_dequantize(blocks.data(), matrix_view<float>{values.data(), qgrain_test::matrix_shape(dequant, false)});
  books.compare("dequant", qgrain_test::differences(values, dequant.floats()) == 0);
}

template <class Block>
void both_ways(const std::string& name, std::size_t cases) {
  conformance books(name);
  for (const auto& [label, remark] : books.file.cases()) {
    const tensor input = books.file.get(label + ".input");
    const tensor packed = books.file.get(label + ".packed");
    const std::vector<float> in = input.floats();
    std::vector<Block> blocks(in.size() / static_cast<std::size_t>(Block::elements));
    interop::ggml_quantize<Block>({in.data(), qgrain_test::matrix_shape(input, false)}, blocks.data());
    books.begin(label);
    books.compare("packed", qgrain_test::bytes_of(blocks) == packed.bytes);
    compare_values(books, label, blocks_of<Block>(packed));
    books.end();
  }
  books.finish({cases});
}

template <class Block>
void read_only(conformance& books, const std::string& label) {
  books.begin(label);
  books.given("packed");
  compare_values(books, label, blocks_of<Block>(books.file.get(label + ".packed")));
  books.end();
}

}  // namespace

BOOST_AUTO_TEST_CASE(gguf_q8_0) { both_ways<interop::ggml_q8_0>("gguf_q8_0", 4); }
BOOST_AUTO_TEST_CASE(gguf_q4_0) { both_ways<interop::ggml_q4_0>("gguf_q4_0", 4); }
BOOST_AUTO_TEST_CASE(gguf_q4_1) { both_ways<interop::ggml_q4_1>("gguf_q4_1", 4); }
BOOST_AUTO_TEST_CASE(gguf_q5_0) { both_ways<interop::ggml_q5_0>("gguf_q5_0", 4); }
BOOST_AUTO_TEST_CASE(gguf_q5_1) { both_ways<interop::ggml_q5_1>("gguf_q5_1", 4); }
BOOST_AUTO_TEST_CASE(gguf_bf16) { both_ways<interop::ggml_bf16>("gguf_bf16", 4); }
BOOST_AUTO_TEST_CASE(gguf_mxfp4) { both_ways<interop::ggml_mxfp4>("gguf_mxfp4", 4); }

BOOST_AUTO_TEST_CASE(gguf_decode) {
  conformance books("gguf_decode");
  read_only<interop::ggml_nvfp4>(books, "NVFP4");
  read_only<interop::ggml_iq4_nl>(books, "IQ4_NL");
  read_only<interop::ggml_iq4_xs>(books, "IQ4_XS");
  read_only<interop::ggml_q2_k>(books, "Q2_K");
  read_only<interop::ggml_q3_k>(books, "Q3_K");
  read_only<interop::ggml_q4_k>(books, "Q4_K");
  read_only<interop::ggml_q5_k>(books, "Q5_K");
  read_only<interop::ggml_q6_k>(books, "Q6_K");
  books.finish({8});
}
