// How many bits a format is booked with, and the label that says so.
#ifndef QGRAIN_SWEEP_FORMATS_COMPRESSION_HPP
#define QGRAIN_SWEEP_FORMATS_COMPRESSION_HPP

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

/// Share of 16 bits that a configuration is booked with in ModelOpt: the least over all its entries, activations
/// included, of k/16 (integers), (E+M+1)/16 (floats) and 1 (disabled). NVFP4 counts 4.5 bits, as from 0.46 on.
/// @throws error errc::invalid_argument naming an entry that ModelOpt would refuse.
[[nodiscard]] double compression_of(const json::object& config);

/// "<name>(effective-bits: <16 compression>)", the number as Python prints it.
[[nodiscard]] std::string format_label(std::string_view name, double compression);

}  // namespace qgrain::sweep

#endif
