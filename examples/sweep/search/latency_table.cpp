#include <common/json.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/search/costs.hpp>
#include <sweep/search/latency_table.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace qgrain::sweep {
namespace {

using names = std::vector<std::string>;

std::string shape_key(shape2d shape) { return std::to_string(shape.rows) + "x" + std::to_string(shape.cols); }

// "384x128" without signs, blanks or leading zeros, so that a shape has one key.
bool is_shape(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return false;
  shape2d shape;
  const auto read = [](std::string_view part, index_t& value) {
    return std::from_chars(part.data(), part.data() + part.size(), value).ec == std::errc{};
  };
  return read(text.substr(0, cross), shape.rows) && read(text.substr(cross + 1), shape.cols) && shape.rows > 0 &&
         shape.cols > 0 && shape_key(shape) == text;
}

// What is wrong with one half of a key.
std::string recipe_fault(std::string_view recipe, const names& known, const recipe_catalog& catalog) {
  if (recipe == recipes::unquantized || catalog.has(recipe)) return {};
  return unknown_name_error("recipe", recipe, known).what();
}

std::string key_fault(std::string_view key, const recipe_catalog& catalog) {
  const std::size_t colon = key.find(':');
  if (colon == std::string_view::npos) return std::string(key).append(" is not <weight recipe>:<activation recipe>");
  const std::string fault = recipe_fault(key.substr(0, colon), catalog.weights, catalog);
  return fault.empty() ? recipe_fault(key.substr(colon + 1), catalog.activations, catalog) : fault;
}

std::string joined_faults(const names& parts) {
  std::string text;
  for (const std::string& part : parts) text.append(text.empty() ? "" : "; ").append(part);
  return text;
}

}  // namespace

std::string latency_key(const recipe_pair& recipes) { return recipes.weight + ":" + recipes.activation; }

latency_table::latency_table(const json::object& file, const std::string& where, const recipe_catalog& catalog)
    : where_(where) {
  constexpr std::array<std::string_view, 6> known{"unit", "latencies", "device", "tokens", "description", "$schema"};
  names faults;
  for (const auto& entry : file) {
    if (std::find(known.begin(), known.end(), entry.key()) == known.end()) {
      faults.emplace_back(unknown_name_error("key", entry.key(), known).what());
    }
  }
  const json::value* unit = file.if_contains("unit");
  if (unit == nullptr || *unit != "ms") faults.emplace_back("unit must be \"ms\"");
  const json::value* latencies = file.if_contains("latencies");
  if (latencies == nullptr || !latencies->is_object()) {
    faults.emplace_back("latencies must be a mapping of recipes to shapes");
  } else {
    for (const auto& entry : latencies->get_object()) {
      if (std::string fault = key_fault(entry.key(), catalog); !fault.empty()) faults.push_back(std::move(fault));
      if (!entry.value().is_object()) {
        faults.push_back(std::string(entry.key()) + " must be a mapping of shapes to numbers");
        continue;
      }
      auto& row = rows_[std::string(entry.key())];
      for (const auto& [shape, value] : entry.value().get_object()) {
        const std::string place = std::string(entry.key()) + " at " + std::string(shape);
        if (!is_shape(shape)) faults.push_back(place + ": the shape is not <out>x<in>");
        const double ms = value.is_number() ? value.to_number<double>() : -1;
        if (!std::isfinite(ms) || ms < 0) {
          faults.push_back(place + ": " + json::serialize(value) + " is no latency; it must be 0 or more");
        }
        row[std::string(shape)] = ms;
      }
    }
  }
  if (!faults.empty()) throw error(errc::bad_file, where + ": " + joined_faults(faults));
}

latency_table latency_table::read(const std::filesystem::path& path, const recipe_catalog& catalog) {
  return {common::read_json_object(path), path.string(), catalog};
}

std::vector<std::vector<double>> latency_table::latencies_of(std::span<const recipe_pair> pairs,
                                                             const layer_list& layers,
                                                             const std::vector<bool>& is_open) const {
  if (layers.shapes.size() != layers.names.size()) {
    throw error(errc::invalid_shape, "latencies need the shape of each of " + std::to_string(layers.names.size()) +
                                         " layers, found " + std::to_string(layers.shapes.size()));
  }
  names keys;
  for (const auto& [key, row] : rows_) keys.push_back(key);
  std::vector<std::vector<double>> result;
  std::map<std::string, names> missing;  // shapes by pair
  for (const recipe_pair& pair : pairs) {
    const std::string key = latency_key(pair);
    const bool is_none = pair == recipe_pair{std::string(recipes::unquantized), std::string(recipes::unquantized)};
    const auto row = rows_.find(key);
    auto& latencies = result.emplace_back(layers.names.size(), 0.0);
    for (std::size_t i = 0; i < layers.names.size(); ++i) {
      if (!is_none && !is_open.empty() && !is_open[i]) continue;
      const std::string shape = shape_key(layers.shapes[i]);
      if (row != rows_.end() && row->second.contains(shape)) {
        latencies[i] = row->second.at(shape);
      } else if (names& shapes = missing[key]; std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) {
        shapes.push_back(shape);
      }
    }
  }
  if (missing.empty()) return result;
  names faults;
  for (const auto& [key, shapes] : missing) {
    faults.push_back(key + " at " + join_names(shapes) + (rows_.contains(key) ? "" : name_hint(key, keys)));
  }
  throw error(errc::bad_file, where_ + " has no latency of " + joined_faults(faults));
}

}  // namespace qgrain::sweep
