#include <quantize/families/torchao_integers.hpp>

namespace qgrain::convert {
namespace {

constexpr auto families =
    torchao::integer_families<int8>({"torchao_int8", "torchao_int8_unclipped", "torchao_int8_asymmetric"});

}  // namespace

std::span<const coded_family> torchao_int8_families() { return families; }

}  // namespace qgrain::convert
