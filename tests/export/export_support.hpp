// What the tests of exports share: the base model, choices by name, plans and folders made of them.
#ifndef QGRAIN_TESTS_EXPORT_EXPORT_SUPPORT_HPP
#define QGRAIN_TESTS_EXPORT_EXPORT_SUPPORT_HPP

#include <lm/model.hpp>
#include <lm/safetensors.hpp>

#include <boost/test/unit_test.hpp>

#include <export/folder/folder_export.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace qgrain::exports::testing {

inline std::filesystem::path export_dir() { return std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests/data/export"; }
inline std::filesystem::path base_dir() { return export_dir() / "base/q3s"; }

// By the end of a Linear's name; the rest as in the checkpoint.
inline std::vector<layer_choice> by_name(const lm::model& m, const std::map<std::string, std::string>& recipes) {
  std::vector<layer_choice> choices(m.linears().size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    for (const auto& [end, recipe] : recipes) {
      if (m.linears()[i].name.ends_with(end)) choices[i].weight = recipe;
    }
  }
  return choices;
}

inline std::string all_of(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + "\n";
  return text;
}

inline std::vector<std::byte> bytes_of_tensor(const lm::safetensors_file& file, const lm::tensor_info& tensor) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.end - tensor.begin));
  file.read_bytes(tensor, 0, bytes);
  return bytes;
}

inline folder_plan write(const lm::model& m, const std::vector<layer_choice>& choices, const folder_settings& settings,
                         const std::filesystem::path& out, int threads = 1, bool resume = false) {
  folder_plan plan = plan_folder(m, choices, settings);
  thread_pool pool(threads);
  (void)write_folder(m, plan, out, pool, resume);
  return plan;
}

inline void expect_refused(const folder_plan& plan, const std::vector<std::string>& sentences) {
  const std::string refused = all_of(plan.table.refusals.sentences);
  for (const std::string& sentence : sentences)
    BOOST_TEST(refused.find(sentence) != std::string::npos, refused << " lacks " << sentence);
}

}  // namespace qgrain::exports::testing

#endif
