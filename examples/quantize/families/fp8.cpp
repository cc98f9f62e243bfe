// fp8 whose scale divides: torchao's primitives, DeepSeek's.
#include <quantize/coded_family.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <array>

namespace qgrain::convert {
namespace {

/// The scale is a float32 that was computed in the type of the tensor. That of zeros is 0, whatever the type.
template <class Format>
inline constexpr operations_by_type elements_of =
    coding_of<quantizer<Format, per_tensor, symmetric_by<divide>>,
              quantizer<Format, per_tensor, symmetric_by<divide, computed_in<bfloat16>>>,
              quantizer<Format, per_tensor, symmetric_by<divide, computed_in<float16>>>>;

constexpr coded_family family(std::string_view name, std::string_view source, const operations_by_type& elements) {
  coded_family f;
  f.name = name;
  f.source = source;
  f.elements = elements;
  return f;
}

constexpr std::array families{
    family("torchao_fp8_e4m3", "torchao float8 primitives", elements_of<float8_e4m3fn>),
    family("torchao_fp8_e5m2", "torchao float8 primitives", elements_of<float8_e5m2>),
    family("deepseek_fp8", "DeepSeek-V3", coding_of<quantizer<float8_e4m3fn, per_tensor>>),
};

}  // namespace

std::span<const coded_family> fp8_families() { return families; }

}  // namespace qgrain::convert
