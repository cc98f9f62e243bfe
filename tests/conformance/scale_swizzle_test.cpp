// The 128 x 4 layout of block scales against torchao's to_blocked, byte for byte, both ways.
#include <support/conformance.hpp>

#include <qgrain/layout/scale_tiles.hpp>

using namespace qgrain;
using qgrain_test::conformance;
using qgrain_test::tensor;

BOOST_AUTO_TEST_CASE(torchao_scale_swizzle) {
  conformance books("torchao_scale_swizzle");
  for (const auto& [label, remark] : books.file.cases()) {
    const tensor input = books.file.get(label + ".input");
    const shape2d shape{input.shape.at(0), input.shape.at(1)};
    const auto plain = input.as<std::uint8_t>();
    std::vector<std::uint8_t> blocked(static_cast<std::size_t>(layout_size<scale_tiles_128x4>(shape)), 0xEE);
    to_layout<scale_tiles_128x4>({plain.data(), shape}, std::span<std::uint8_t>(blocked));
    const std::string wanted = books.file.get(label + ".blocked").bytes;
    std::vector<std::uint8_t> back(plain.size());
    const auto stored = books.file.get(label + ".blocked").as<std::uint8_t>();
    from_layout<scale_tiles_128x4>(stored, matrix_view<std::uint8_t>{back.data(), shape});
    BOOST_TEST((back == plain), label << ": the way back differs");
    books.begin(label);
    books.compare("blocked", qgrain_test::bytes_of(blocked) == wanted);
    books.end();
  }
  books.finish({8});
}
