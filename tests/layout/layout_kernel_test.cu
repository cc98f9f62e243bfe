// Layouts and packing inside kernels: positions and bytes must be those of the host.
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/gptq.hpp>
#include <qgrain/layout/interleaved.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

using namespace qgrain;

constexpr int skipped = 77;

/// Memory that both sides see.
template <class T>
class shared_array {
 public:
  explicit shared_array(std::size_t count) {
    if (cudaMallocManaged(&data_, count * sizeof(T)) != cudaSuccess) std::fprintf(stderr, "no device memory\n");
  }
  shared_array(const shared_array&) = delete;
  shared_array& operator=(const shared_array&) = delete;
  ~shared_array() { cudaFree(data_); }
  [[nodiscard]] T* data() const { return data_; }
  T& operator[](index_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};

/// out: the position of each cell of the padded shape, row by row, or -1 where the way back goes elsewhere.
template <class Layout>
__global__ void positions_kernel(shape2d shape, index_t* out) {
  const shape2d whole = Layout::padded(shape);
  for (index_t i = threadIdx.x; i < whole.elements(); i += blockDim.x) {
    const matrix_cell at{i / whole.cols, i % whole.cols};
    const index_t position = Layout::index(shape, at);
    out[i] = Layout::cell(shape, position) == at ? position : -1;
  }
}

template <class Layout>
bool same_positions() {
  index_t wrong = 0;
  index_t compared = 0;
  for (const index_t rows : {1, 33, 130, 300}) {
    for (const index_t cols : {1, 5, 8, 65}) {
      const shape2d shape{rows, cols};
      const shape2d whole = Layout::padded(shape);
      const shared_array<index_t> out(static_cast<std::size_t>(whole.elements()));
      positions_kernel<Layout><<<1, 256>>>(shape, out.data());
      if (cudaDeviceSynchronize() != cudaSuccess) return false;
      for (index_t i = 0; i < whole.elements(); ++i, ++compared) {
        wrong += out[i] == Layout::index(shape, {i / whole.cols, i % whole.cols}) ? 0 : 1;
      }
    }
  }
  std::printf("%s: %lld of %lld\n", Layout::name().data(), static_cast<long long>(compared - wrong),
              static_cast<long long>(compared));
  return wrong == 0;
}

/// One thread per run of eight codes.
__global__ void packing_kernel(const std::uint8_t* codes, int bits, bit_order order, std::uint8_t* packed,
                               std::uint8_t* back) {
  const auto run = static_cast<index_t>(threadIdx.x);
  pack_codes(codes + 8 * run, 8, bits, order, packed + bits * run);
  __syncthreads();
  for (index_t i = 8 * run; i < 8 * run + 8; ++i) back[i] = packed_code<std::uint8_t>(packed, i, bits, order);
}

bool same_bytes(bit_order order) {
  constexpr index_t count = 256;
  int wrong = 0;
  for (int bits = 1; bits <= 8; ++bits) {
    const shared_array<std::uint8_t> codes(count), packed(count), back(count);
    for (index_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(low_bits(i * 37 + 11, bits));
    packing_kernel<<<1, count / 8>>>(codes.data(), bits, order, packed.data(), back.data());
    if (cudaDeviceSynchronize() != cudaSuccess) return false;
    std::vector<std::uint8_t> wanted(static_cast<std::size_t>(packed_bytes(count, bits)));
    pack_codes(codes.data(), count, bits, order, wanted.data());
    for (index_t i = 0; i < count; ++i) wrong += back[i] == codes[i] ? 0 : 1;
    for (std::size_t i = 0; i < wanted.size(); ++i) wrong += packed[static_cast<index_t>(i)] == wanted[i] ? 0 : 1;
  }
  std::printf("packing, %s first: %d differences\n", order == bit_order::low_first ? "low" : "high", wrong);
  return wrong == 0;
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU\n");
    return skipped;
  }
  bool good = true;
  good &= same_positions<row_major>();
  good &= same_positions<scale_tiles_128x4>();
  good &= same_positions<scale_tiles_8x4>();
  good &= same_positions<interleaved_pairs>();
  good &= same_positions<interleaved_bytes>();
  good &= same_positions<interleaved_byte_pairs>();
  good &= same_bytes(bit_order::low_first);
  good &= same_bytes(bit_order::high_first);
  return good ? 0 : 1;
}
