// A family of element operations under a granularity, as a recipe.
#ifndef QGRAIN_QUANTIZE_CODED_RECIPE_HPP
#define QGRAIN_QUANTIZE_CODED_RECIPE_HPP

#include <quantize/coded_family.hpp>
#include <quantize/granularity.hpp>
#include <quantize/recipe.hpp>

#include <memory>
#include <string>
#include <vector>

namespace qgrain::convert {

class coded_recipe final : public recipe {
 public:
  /// @throws error errc::unsupported where the family does not take the granularity
  coded_recipe(std::string name, const coded_family& family, const granularity& groups);

  [[nodiscard]] recipe_description describe() const override;
  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override;
  [[nodiscard]] quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts& given,
                                          const run_settings& settings) const override;
  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings& settings) const override;

 private:
  [[nodiscard]] tensor_cut cut(const tensor_facts& facts) const;
  [[nodiscard]] extents scale_extents(const tensor_facts& facts, const tensor_cut& cut) const;

  std::string name_;
  const coded_family& family_;
  granularity groups_;
  std::vector<std::string> takes_;
};

/// What the catalogue says of a family whose granularity is still open.
[[nodiscard]] recipe_description describe_family(const coded_family& family);

}  // namespace qgrain::convert

#endif
