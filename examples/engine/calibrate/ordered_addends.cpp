#include <engine/calibrate/ordered_addends.hpp>

#include <string>

namespace qgrain::engine {

void ordered_addends::exchange(common::communicator& ranks,
                               const std::function<void(const place& at, std::span<const double> values)>& add) {
  std::string mine;
  for (const auto& [at, values] : written_) {
    common::append_element(mine, at);
    common::append_element(mine, static_cast<std::uint64_t>(values.size()));
    common::append_elements(mine, std::span(values));
  }
  written_.clear();
  std::map<place, std::vector<double>> all;
  for (const std::string& text : ranks.gather(mine)) {
    for (common::element_reader reader(text); !reader.empty();) {
      const auto at = reader.take<place>();
      const auto count = reader.take<std::uint64_t>();
      reader.take(static_cast<std::size_t>(count), all[at]);
    }
  }
  for (const auto& [at, values] : all) add(at, values);
}

}  // namespace qgrain::engine
