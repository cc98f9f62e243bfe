// Packed codes of any bytes: refused by their count, or unpacked codes lie in range and pack back to the same bytes.
#include <qgrain/quantizer/packing.hpp>

#include <array>
#include <fuzz/fuzz.hpp>

namespace packed_decode_target {

using namespace qgrain;

template <class Code>
void check(fuzz::bytes packed, std::size_t count, int bits, bit_order order) {
  fuzz::may_refuse([&] {
    std::vector<Code> codes(count);
    unpack_codes<Code>(packed, bits, order, codes);
    const int top = std::is_signed_v<Code> ? bits - 1 : bits;
    for (const Code code : codes) {
      const int least = std::is_signed_v<Code> ? -(1 << (bits - 1)) : 0;
      fuzz::require(code >= least && code < 1 << top, "codes lie in the range of their bits");
    }
    for (std::size_t i = 0; i < count; ++i) {
      const Code one = packed_code<Code>(packed.data(), static_cast<index_t>(i), bits, order);
      fuzz::require(one == codes[i], "one code alone is the same");
    }
    std::vector<std::uint8_t> again(packed.size());
    pack_codes<Code>(codes, bits, order, again);
    std::vector<Code> same(count);
    unpack_codes<Code>(again, bits, order, same);
    fuzz::require(same == codes, "codes come back");
  });
}

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  const int bits = from.take<std::int8_t>() % 12;
  const auto choice = from.take<std::uint8_t>();
  const fuzz::bytes packed = from.rest();
  std::size_t count = choice < 250 && bits >= 1 ? packed.size() * 8 / static_cast<std::size_t>(bits) : choice;
  const bit_order order = choice % 2 == 0 ? bit_order::low_first : bit_order::high_first;
  check<std::uint8_t>(packed, count, bits, order);
  check<std::int8_t>(packed, count, bits, order);
}

const fuzz::target registered("packed_decode", run);

}  // namespace packed_decode_target
