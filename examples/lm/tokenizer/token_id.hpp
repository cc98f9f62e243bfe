// Token ids in tokenizer.json.
#ifndef QGRAIN_LM_TOKENIZER_TOKEN_ID_HPP
#define QGRAIN_LM_TOKENIZER_TOKEN_ID_HPP

#include <common/json.hpp>

#include <cstdint>
#include <limits>
#include <optional>

namespace qgrain::lm {

/// An integer in [0, 2^31 - 1): the vocabulary's size is to fit into 32 bits as well.
[[nodiscard]] inline std::int32_t token_id(const common::json_field& field) {
  const std::optional<std::int64_t> id = field.whole();
  if (!id || *id < 0 || *id >= std::numeric_limits<std::int32_t>::max()) {
    field.must_be("a token id, an integer in [0, 2147483647)");
  }
  return static_cast<std::int32_t>(*id);
}

}  // namespace qgrain::lm

#endif
