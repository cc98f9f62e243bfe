// int(...), float(...), str(...) and bool(...) of override values.
#ifndef QGRAIN_HYDRA_CASTS_HPP
#define QGRAIN_HYDRA_CASTS_HPP

#include <hydra/sweep_value.hpp>

#include <cstdint>

namespace qgrain::hydra {

enum class cast_type : std::uint8_t { integer, floating, text, boolean };

/// `value` cast by Python's rules; lists, dictionary values and sweeps are cast element by element. A cast choice or
/// range loses its tags and its shuffling. Throws errc::invalid_argument, a sentence without its subject ("cannot
/// ...").
[[nodiscard]] override_value cast(cast_type type, const override_value& value);

}  // namespace qgrain::hydra

#endif
