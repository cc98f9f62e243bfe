// Which keys a composed configuration may hold.
#ifndef QGRAIN_HYDRA_KEY_SCHEMA_HPP
#define QGRAIN_HYDRA_KEY_SCHEMA_HPP

#include <boost/json.hpp>

#include <span>
#include <string_view>

namespace qgrain::hydra {

namespace json = boost::json;

/// Checks that every value stands at one of the `allowed` dotted keys ("autoquant.batch_size"); "quant_cfg.*" allows
/// everything below quant_cfg. Mappings on the way to an allowed key are allowed, values in their place are not.
/// Throws errc::unknown_name for the first other key: its dotted path and the nearest allowed names beside it.
void require_known_keys(const json::object& config, std::span<const std::string_view> allowed);

}  // namespace qgrain::hydra

#endif
