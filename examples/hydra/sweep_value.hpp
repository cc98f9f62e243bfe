// Values that stand for several: what a key is swept over.
#ifndef QGRAIN_HYDRA_SWEEP_VALUE_HPP
#define QGRAIN_HYDRA_SWEEP_VALUE_HPP

#include <hydra/element.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace qgrain::hydra {

enum class sweep_order : std::uint8_t { as_written, shuffled };

/// a,b,c or choice(a,b,c).
struct choice_sweep {
  enum class form : std::uint8_t { comma_list, function };

  element_list choices;
  form written_as = form::comma_list;
  sweep_order order = sweep_order::as_written;
  std::set<std::string> tags = {};
};

/// range(start, stop, step).
struct range_sweep {
  number start;
  number stop;
  number step;
  sweep_order order = sweep_order::as_written;
  std::set<std::string> tags = {};
};

/// interval(start, end); cannot be enumerated.
struct interval_sweep {
  number start;
  number end;
  std::set<std::string> tags = {};
};

/// glob(include, exclude): the choices of a group that match one of `include` and none of `exclude`.
struct glob_sweep {
  std::vector<std::string> include;
  std::vector<std::string> exclude = {};
};

using sweep_value = std::variant<choice_sweep, range_sweep, interval_sweep, glob_sweep>;

/// What stands after the equals sign.
using override_value = std::variant<element, sweep_value>;

}  // namespace qgrain::hydra

#endif
