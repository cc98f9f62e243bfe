// A list of recipe pairs to score as they are, in the place of a pair and a granularity: the key jobs.
#ifndef QGRAIN_SWEEP_SETTINGS_RECIPE_LIST_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_RECIPE_LIST_SETTINGS_HPP

#include <sweep/formats/recipe_mapping.hpp>
#include <sweep/settings/autoquant_settings.hpp>
#include <sweep/settings/scoring_settings.hpp>

#include <boost/json.hpp>

#include <string>
#include <variant>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// "<weight>:<activation>[:<calibration>]", or its parts.
using recipe_list_entry = std::variant<std::string, recipe_pair>;

struct recipe_list_settings {
  std::vector<recipe_list_entry> entries;
  dataset_settings dataset;
  scoring_settings scoring;
  autoquant_settings autoquant;  ///< without a search
};

[[nodiscard]] bool has_recipe_list(const json::object& config) noexcept;

/// `jobs` is a list of texts, of lists of two texts and of mappings {weight, activation, calibration}, one text, or the
/// path of a JSON file that holds such a list.
/// @throws error errc::invalid_argument, errc::io_failure or errc::bad_file, naming the key or the file.
[[nodiscard]] recipe_list_settings recipe_list_of(const json::object& config);

}  // namespace qgrain::sweep

#endif
