// A family of element operations under a granularity, as a recipe.
#ifndef QGRAIN_QUANTIZE_CODED_RECIPE_HPP
#define QGRAIN_QUANTIZE_CODED_RECIPE_HPP

#include <quantize/coded_family.hpp>
#include <quantize/coded_scales.hpp>
#include <quantize/granularity.hpp>
#include <quantize/recipe.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::convert {

class coded_recipe final : public recipe {
 public:
  /// @throws error errc::unsupported where the family does not take the granularity
  coded_recipe(std::string name, const coded_family& family, const tensor_grouping& groups);

  [[nodiscard]] recipe_description describe() const override;
  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override;
  [[nodiscard]] quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts& given,
                                          const run_settings& settings) const override;
  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings& settings) const override;

 private:
  /// What becomes of the elements.
  struct coded_values {
    std::vector<float> values;
    std::vector<std::byte> codes;
    std::optional<index_t> clipped;
  };
  [[nodiscard]] tensor_cut cut(const tensor_facts& facts) const;
  [[nodiscard]] extents scale_extents(const tensor_facts& facts, const tensor_cut& cut) const;
  /// All arguments outlive it.
  [[nodiscard]] scale_layout layout_of(const tensor_facts& facts, const tensor_cut& cut, const extents& shape) const;

  void check_given(const scale_layout& of, const tensor_parts& given) const;
  [[nodiscard]] coded_values encode(const scale_layout& of, coded_scales& s, const std::vector<float>& x,
                                    const run_settings& settings) const;
  void store_scales(const scale_layout& of, const coded_scales& s, const host_tensor* amax, tensor_parts& parts) const;

  std::string name_;
  const coded_family& family_;
  tensor_grouping groups_;
  std::vector<std::string> takes_;
};

}  // namespace qgrain::convert

#endif
