// What ModelOpt's TensorQuantizer gives: a range and the values, no codes.
#ifndef QGRAIN_QUANTIZE_FAMILIES_MODELOPT_FAKING_HPP
#define QGRAIN_QUANTIZE_FAMILIES_MODELOPT_FAKING_HPP

#include <quantize/coded_family.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <string_view>

namespace qgrain::convert {

template <class Q>
constexpr coded_family modelopt_faking(std::string_view name, std::string_view also = {},
                                       std::string_view source = "ModelOpt TensorQuantizer") {
  coded_family f;
  f.name = name;
  f.also = also;
  f.source = source;
  f.elements = faking_of<Q>;
  f.tail = group_tail::zero_padding;
  f.codes = f.scales = false;
  f.amax = f.fake = true;
  f.shapes = scale_shape::modelopt;
  return f;
}

template <class Integer>
constexpr coded_family modelopt_faking_integer(std::string_view name, std::string_view also = {}) {
  return modelopt_faking<modelopt_integer<Integer, per_tensor>>(name, also);
}

}  // namespace qgrain::convert

#endif
