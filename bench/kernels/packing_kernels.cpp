// Codes of one byte to packed ones and back, and scales into tiles: what quantize_packed does in its own pass.
#include <kernels/kernel.hpp>
#include <kernels/line_allocator.hpp>

#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace qgrain::bench {
namespace {

using bytes = line_vector<std::uint8_t>;

[[nodiscard]] std::shared_ptr<bytes> some_codes(shape2d shape, int bits) {
  const auto codes = std::make_shared<bytes>(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < codes->size(); ++i) (*codes)[i] = static_cast<std::uint8_t>(i * 7 % (1U << bits));
  return codes;
}
[[nodiscard]] std::shared_ptr<bytes> packed_room(shape2d shape, int bits) {
  return std::make_shared<bytes>(static_cast<std::size_t>(packed_bytes(shape.elements(), bits)));
}

[[nodiscard]] kernel bare_kernel(std::string work, std::string recipe) {
  kernel k;
  k.work = std::move(work);
  k.recipe = std::move(recipe);
  k.element = "u8";
  k.scale = "none";
  k.takes_threads = false;
  return k;
}

void add_packing_of(int bits, kernel_list& kernels) {
  const std::string recipe = std::to_string(bits) + "_bits";
  kernel pack = bare_kernel("pack_codes", recipe);
  pack.layout = "one code a byte to packed";
  pack.bytes = [bits](shape2d s) { return traffic{s.elements(), packed_bytes(s.elements(), bits)}; };
  pack.prepare = [bits](tensors& memory, const on_host&) -> std::function<void()> {
    const auto codes = some_codes(memory.shape(), bits);
    return [bits, codes, out = packed_room(memory.shape(), bits)] {
      pack_codes(codes->data(), static_cast<index_t>(codes->size()), bits, bit_order::low_first, out->data());
    };
  };
  kernels.push_back(pack);

  kernel unpack = bare_kernel("unpack_codes", recipe);
  unpack.layout = "packed to one code a byte";
  unpack.bytes = [bits](shape2d s) { return traffic{packed_bytes(s.elements(), bits), s.elements()}; };
  unpack.prepare = [bits](tensors& memory, const on_host&) -> std::function<void()> {
    const auto codes = some_codes(memory.shape(), bits);
    const auto packed = packed_room(memory.shape(), bits);
    pack_codes(codes->data(), static_cast<index_t>(codes->size()), bits, bit_order::low_first, packed->data());
    return [bits, codes, packed] {
      unpack_codes(packed->data(), static_cast<index_t>(codes->size()), bits, bit_order::low_first, codes->data());
    };
  };
  kernels.push_back(unpack);
}

}  // namespace

void add_packing(kernel_list& kernels) {
  for (const int bits : {2, 3, 4, 5, 6}) add_packing_of(bits, kernels);

  kernel tiles = bare_kernel("to_layout", "scale_tiles_128x4");
  tiles.layout = "a scale for 16 values, row-major to tiles";
  tiles.note = "time per value, not per scale";
  const auto scales_of = [](shape2d s) { return shape2d{s.rows, s.cols / 16}; };
  tiles.bytes = [scales_of](shape2d s) {
    return traffic{scales_of(s).elements(), layout_size<scale_tiles_128x4>(scales_of(s))};
  };
  tiles.prepare = [scales_of](tensors& memory, const on_host&) -> std::function<void()> {
    const shape2d shape = scales_of(memory.shape());
    const auto out = std::make_shared<bytes>(static_cast<std::size_t>(layout_size<scale_tiles_128x4>(shape)));
    return [shape, in = some_codes(shape, 8), out] {
      to_layout<scale_tiles_128x4, std::uint8_t>({in->data(), shape}, *out);
    };
  };
  kernels.push_back(tiles);
}

}  // namespace qgrain::bench
