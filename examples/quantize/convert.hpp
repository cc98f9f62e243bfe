// Tensors of one safetensors file through a recipe into another.
#ifndef QGRAIN_QUANTIZE_CONVERT_HPP
#define QGRAIN_QUANTIZE_CONVERT_HPP

#include <lm/non_finite.hpp>
#include <quantize/host_tensor.hpp>

#include <qgrain/quantizer/error_sums.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::convert {

struct convert_job {
  std::filesystem::path in;
  std::string recipe;         ///< decoding may leave it empty where the file says it
  std::string tensors = "*";  ///< a name, or a shell pattern over tensor names; decoding: over names without their part
  std::filesystem::path given;         ///< parts that replace what would come from the data; empty: none
  std::filesystem::path out;           ///< empty: nothing is written
  bool stats = false;                  ///< measure
  bool decode = false;                 ///< parts back to values
  std::optional<extents> shape;        ///< decoding: of every tensor, where the file does not say it
  std::optional<dtype> original_type;  ///< decoding: of the tensors that were quantized, where the file does not say it
  int threads = 1;
  /// NaN and infinity in tensors to quantize, and in scales that are given or stored.
  lm::non_finite values = lm::non_finite::allowed;
};

/// What became of one tensor.
struct tensor_report {
  std::string name;
  std::string recipe;
  dtype type = dtype::f32;
  extents shape;
  std::int64_t stored_bytes = 0;     ///< of all parts but "dequant", "middle" and, where there is "packed", "codes"
  std::optional<error_sums> errors;  ///< where asked for, and where the recipe gives values
  bool clipped_known = false;        ///< whether errors->clipped was counted
};

/// Reads, converts and writes tensor by tensor, so that memory holds one of them. Every tensor is checked before the
/// first one is converted (where NaN is refused, all of them are read for that), and the output appears only when all
/// of it is written.
///
/// The output holds `<tensor>.<part>` for each part of the recipe (decoding: `<tensor>.dequant`), and in its metadata
/// under `qgrain:<tensor>` a JSON object with recipe, dtype and shape, which decoding reads.
/// @throws error errc::unknown_name for a recipe or a pattern that matches nothing, errc::bad_file and
/// errc::io_failure for files, errc::non_finite and errc::out_of_range for values, errc::invalid_shape and
/// errc::unsupported for tensors that do not suit the recipe
std::vector<tensor_report> convert_file(const convert_job& job);

}  // namespace qgrain::convert

#endif
