#include <quantize/families/torchao_integers.hpp>

namespace qgrain::convert {
namespace {

constexpr auto families =
    torchao::integer_families<int4>({"torchao_int4", "torchao_int4_unclipped", "torchao_int4_asymmetric"});

}  // namespace

std::span<const coded_family> torchao_int4_families() { return families; }

}  // namespace qgrain::convert
