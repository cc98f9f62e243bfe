// From one store of quantized weights to another without going through values.
#ifndef QGRAIN_INTEROP_CONVERT_HPP
#define QGRAIN_INTEROP_CONVERT_HPP

#include <qgrain/interop/code_matrix.hpp>

#include <concepts>
#include <string_view>

namespace qgrain::interop {

/// A store whose codes and scales can be read.
template <class S>
concept code_source = requires(const S store) {
  { S::name() } -> std::convertible_to<std::string_view>;
  { store.codes() } -> std::same_as<code_matrix>;
};

/// A store that can be made from codes and scales.
template <class S>
concept code_target = requires(const code_matrix& codes) {
  { S::name() } -> std::convertible_to<std::string_view>;
  { S::from_codes(codes) } -> std::same_as<S>;
};

/// The same values in another store, codes and scales moved as they are: `convert<gptq_weights>(q4_0)`. Every value of
/// the result equals that of `from`; -0 counts as 0. Allocates the result and a code_matrix in between.
/// @throws error errc::unsupported where To cannot hold the values: the sentence names both stores and the reason;
/// errc::invalid_shape where a part of `from` has a wrong size
template <code_target To, code_source From>
[[nodiscard]] To convert(const From& from) {
  return To::from_codes(from.codes());
}

}  // namespace qgrain::interop

#endif
