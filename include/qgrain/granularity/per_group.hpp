// One scale per run of consecutive elements of a row.
#ifndef QGRAIN_GRANULARITY_PER_GROUP_HPP
#define QGRAIN_GRANULARITY_PER_GROUP_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/short_name.hpp>

#include <string_view>

namespace qgrain {

/// What a row whose length is not a multiple of the group size does.
enum class group_tail {
  short_group,   ///< the last group is shorter; a group longer than the row is refused
  zero_padding,  ///< as if the row went on with zeros, which no range sees and nobody stores: any row length is taken
  reject,        ///< refused
};

/// `Size` consecutive elements of the last dimension share a scale; a group never spans two rows.
template <int Size, group_tail Tail = group_tail::short_group>
struct per_group {
  static_assert(
      Size >= 1,
      "qgrain::per_group: a group has at least one element; use a positive size, or per_token for whole rows");
  static constexpr index_t group_size = Size;
  static constexpr group_tail tail = Tail;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d group_shape(shape2d) noexcept { return {1, Size}; }

 private:
  static constexpr detail::short_name name_ = detail::short_name{}.text("group").number(Size);
};

}  // namespace qgrain

#endif
