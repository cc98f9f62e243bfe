// Candidate tables of the reference data, as the searches take them.
#ifndef QGRAIN_TESTS_SEARCH_REFERENCE_TABLE_HPP
#define QGRAIN_TESTS_SEARCH_REFERENCE_TABLE_HPP

#include <qgrain/search/choice.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <vector>

namespace qgrain::test {

/// `groups` of a job or a search: scores and costs by group and choice.
inline std::vector<std::vector<search::choice>> table_of(const boost::json::value& groups) {
  std::vector<std::vector<search::choice>> result;
  const auto& scores = groups.at("scores").as_array();
  for (std::size_t g = 0; g < scores.size(); ++g) {
    auto& choices = result.emplace_back();
    for (std::size_t i = 0; i < scores[g].as_array().size(); ++i) {
      choices.push_back({scores[g].at(i).to_number<double>(), groups.at("costs").at(g).at(i).to_number<double>()});
    }
  }
  return result;
}

}  // namespace qgrain::test

#endif
