// A named convention, chosen at run time: what it makes of a tensor, and how it reads that back.
#ifndef QGRAIN_QUANTIZE_RECIPE_HPP
#define QGRAIN_QUANTIZE_RECIPE_HPP

#include <lm/non_finite.hpp>
#include <quantize/host_tensor.hpp>

#include <qgrain/host/on_host.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::convert {

/// A row of the catalogue. Texts are empty where they do not apply.
struct recipe_description {
  std::string name;  ///< with "<granularity>" where one has to be chosen
  std::string format;
  std::string granularity;
  std::string scale;
  std::string rounding;
  std::string tail;
  std::string source;
  int code_bits = 0;
  int scale_bits = 0;                      ///< per group
  int tensor_bits = 0;                     ///< per tensor
  std::optional<double> bits_per_element;  ///< scales counted; nothing where the size of a group depends on the shape
  std::vector<std::string> takes;          ///< parts that may be given
  std::vector<std::string> gives;          ///< parts that are written
};

/// What is known of a tensor before its data is read.
struct tensor_facts {
  std::string where;  ///< file and name, for errors
  dtype type = dtype::f32;
  extents shape;
  /// Whether scales that are given or stored may be NaN or infinite, and stored ones 0.
  lm::non_finite scales = lm::non_finite::allowed;
};

struct run_settings {
  on_host where;
  bool count_clipped = false;
};

struct quantized_tensor {
  tensor_parts parts;
  /// Elements beyond the end values of their groups by more than rounding; nothing where the recipe has no such limits
  /// or nobody asked.
  std::optional<index_t> clipped;
};

/// Members may be called by several threads at once. Errors name the tensor and the numbers that disagree.
class recipe {
 public:
  recipe() = default;
  recipe(const recipe&) = delete;
  recipe& operator=(const recipe&) = delete;
  virtual ~recipe() = default;

  [[nodiscard]] virtual recipe_description describe() const = 0;

  /// The parts that `quantize` will make, without their data. Throws where the tensor or a given part does not suit.
  [[nodiscard]] virtual tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const = 0;

  /// `in` is the tensor of the facts; `given` holds parts that replace what would come from the data.
  [[nodiscard]] virtual quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in,
                                                  const tensor_parts& given, const run_settings& settings) const = 0;

  /// What `decode` makes: values, but for recipes that only rearrange.
  [[nodiscard]] virtual std::pair<std::string, dtype> decoded_part() const { return {"dequant", dtype::f32}; }

  /// Parts back to a tensor of the facts' shape. facts.type is the type of the tensor that was quantized. Where both
  /// "codes" and "packed" are there, codes are read. Throws where a part is missing or does not suit.
  [[nodiscard]] virtual host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                           const run_settings& settings) const = 0;
};

/// The recipe of a name: "<family>[/<granularity>][/<option>...]".
/// @throws error errc::unknown_name, naming the nearest names
[[nodiscard]] std::unique_ptr<recipe> find_recipe(std::string_view name);

/// Every family, for tables.
[[nodiscard]] std::vector<recipe_description> list_recipes();

}  // namespace qgrain::convert

#endif
