// ModelOpt's exported weights, as its unified Hugging Face checkpoints have them: scales are float32.
#include <quantize/coded_family.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/exported.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <array>

namespace qgrain::convert {
namespace {

/// A range of zero counts as the largest code, so that no scale is zero.
template <class Format, class Action, class Least = zero_scale_is_one>
using exported = quantizer<Format, per_tensor, symmetric_by<Action, Least>>;

constexpr coded_family family(std::string_view name, std::string_view source, const operations_by_type& elements) {
  coded_family f;
  f.name = name;
  f.source = source;
  f.elements = elements;
  f.tail = group_tail::reject;
  return f;
}
/// One scale, which leaves quotients in the tensor's type.
constexpr coded_family fp8_family() {
  coded_family f =
      family("modelopt_fp8_exported", "ModelOpt export, FP8",
             coding_of<exported<float8_e4m3fn, divide>, exported<float8_e4m3fn, divide_rounding_to<bfloat16>>,
                       exported<float8_e4m3fn, divide_rounding_to<float16>, normal_f16_range<448>>>);
  f.usual = "per_tensor";
  f.only = granularity_kind::per_tensor;
  f.shapes = scale_shape::scalar;
  return f;
}
constexpr coded_family int8_family() {
  coded_family f =
      family("modelopt_int8_exported", "ModelOpt export, W8A16 and W8A8_SQ",
             coding_of<exported<int8, divide>, exported<int8, divide>, exported<int8, divide, normal_f16_range<127>>>);
  f.shapes = scale_shape::squeezed;
  return f;
}
constexpr coded_family int4_family() {
  coded_family f =
      family("modelopt_int4_exported", "ModelOpt export, W4A16_AWQ and W4A8_AWQ", coding_of<exported<int4, divide>>);
  f.packing = code_packing::row_pairs;
  return f;
}

constexpr std::array families{fp8_family(), int8_family(), int4_family()};

}  // namespace

std::span<const coded_family> modelopt_exported_families() { return families; }

}  // namespace qgrain::convert
