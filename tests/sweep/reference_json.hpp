// Reading the reference data of tests/data.
#ifndef QGRAIN_TESTS_SWEEP_REFERENCE_JSON_HPP
#define QGRAIN_TESTS_SWEEP_REFERENCE_JSON_HPP

#include <common/json.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace qgrain::test {

namespace json = boost::json;

inline std::filesystem::path source_path(const std::string& relative) {
  return std::filesystem::path(QGRAIN_SOURCE_DIR) / relative;
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("missing test data: " + path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A file below tests/data.
inline json::value reference(const std::string& name) {
  return qgrain::common::parse_json(file_text(source_path("tests/data/" + name)), name);
}

}  // namespace qgrain::test

#endif
