// The name that stands for "not quantized" among recipes and dtypes.
#ifndef QGRAIN_RECIPES_UNQUANTIZED_HPP
#define QGRAIN_RECIPES_UNQUANTIZED_HPP

#include <string_view>

namespace qgrain::recipes {

/// Values stay as they are; in costs they take the 16 bits of the checkpoint's own type.
inline constexpr std::string_view unquantized = "fp16";

}  // namespace qgrain::recipes

#endif
