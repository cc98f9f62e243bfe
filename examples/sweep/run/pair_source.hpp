// The configuration tree with the pairs that need no file.
#ifndef QGRAIN_SWEEP_RUN_PAIR_SOURCE_HPP
#define QGRAIN_SWEEP_RUN_PAIR_SOURCE_HPP

#include <hydra/config_source.hpp>
#include <sweep/formats/quant_dtypes.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// Files below root folders, earlier ones first, and quant_pair/w<weight>_a<activation> for every pair of quant_dtype
/// that has no file.
class pair_source final : public hydra::config_source {
 public:
  /// Throws what folder_source throws, errc::bad_file where quant_dtype is missing or damaged.
  explicit pair_source(const std::vector<std::filesystem::path>& roots);

  [[nodiscard]] const std::vector<std::string>& paths() const override { return paths_; }
  [[nodiscard]] std::optional<hydra::config_file> load(const std::string& path) const override;
  [[nodiscard]] const quant_dtypes& dtypes() const noexcept { return dtypes_; }

 private:
  hydra::folder_source files_;
  quant_dtypes dtypes_;
  std::vector<std::string> paths_;
};

}  // namespace qgrain::sweep

#endif
