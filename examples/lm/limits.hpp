// Sizes that trade memory for speed.
#ifndef QGRAIN_LM_LIMITS_HPP
#define QGRAIN_LM_LIMITS_HPP

#include <lm/buffer.hpp>

namespace qgrain::lm {

/// Results of equal limits are equal to the bit, whatever the number of threads. `kept_weight_bytes` changes none.
struct pass_limits {
  index_t chunk_bytes =
      index_t{32} << 20;                   ///< intermediate results of a block; raised to the size of a block's weights
  index_t slab_bytes = index_t{32} << 20;  ///< weights of the head at once
  index_t slab_output_bytes = index_t{8} << 20;  ///< logits, and as much for their gradient, of a slab
  index_t kept_weight_bytes = 0;  ///< blocks in float32 that stay in memory until the next time they are asked for
  index_t bundle_rows = 0;  ///< that a bundle (chunk.hpp) has at least, about; fewer where `chunk_bytes` hold fewer
};

}  // namespace qgrain::lm

#endif
