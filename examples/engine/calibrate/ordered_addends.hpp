// Sums over rows that several ranks have, added in the order of the rows.
#ifndef QGRAIN_ENGINE_CALIBRATE_ORDERED_ADDENDS_HPP
#define QGRAIN_ENGINE_CALIBRATE_ORDERED_ADDENDS_HPP

#include <common/communicator.hpp>
#include <lm/buffer.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace qgrain::engine {

using lm::index_t;

/// What a rank would add, written down until all ranks add all of it.
class ordered_addends {
 public:
  /// What the addends are of, in the order in which one process comes to them.
  struct place {
    std::int64_t target = 0;
    index_t first_output = 0;
    index_t first_row = 0;

    friend auto operator<=>(const place&, const place&) = default;
  };

  /// No other rank, and no other call, may write at this place until the next exchange.
  void write(const place& at, std::span<const double> values) { written_[at].assign(values.begin(), values.end()); }
  /// On all ranks: add(place, values) of what all have written, in order, which is then forgotten.
  void exchange(common::communicator& ranks,
                const std::function<void(const place& at, std::span<const double> values)>& add);

 private:
  std::map<place, std::vector<double>> written_;
};

}  // namespace qgrain::engine

#endif
