// A granularity overlay laid over a base format.
#ifndef QGRAIN_SWEEP_FORMATS_OVERLAY_HPP
#define QGRAIN_SWEEP_FORMATS_OVERLAY_HPP

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

/// Why an overlay cannot be laid over a base.
enum class overlay_fault : std::uint8_t {
  base_without_quant_cfg,
  unknown_entry,
  override_not_a_mapping,
  base_entry_not_a_mapping,
  base_entry_empty_list,
  axis_and_block_sizes,
  axis_and_block_sizes_after_merge,
  override_block_sizes_not_a_mapping,
  base_block_sizes_not_a_mapping,
  scale_block_sizes_not_a_mapping,
};

/// The sentence that belongs to a fault.
[[nodiscard]] std::string_view reason(overlay_fault fault) noexcept;

/// True where a value has the wrong kind (Python's TypeError), false where the combination is not allowed (ValueError).
[[nodiscard]] bool is_type_fault(overlay_fault fault) noexcept;

/// Thrown by `merge_overlay`; `what()` names the entry ("quant_cfg[*weight_quantizer]") before the reason.
class overlay_error : public error {
 public:
  overlay_error(overlay_fault fault, const std::string& where);
  [[nodiscard]] overlay_fault fault() const noexcept { return fault_; }

 private:
  overlay_fault fault_;
};

/// `base` with the attributes of `overrides` ({"*weight_quantizer": {...}, "*input_quantizer": {...}, "default":
/// {...}}) laid over it; neither argument changes. An override's `axis` removes `block_sizes` and the other way round,
/// `block_sizes` are merged key by key, every other attribute is replaced, and an entry that is a list is treated
/// element by element. Keys of block_sizes that Python's int() reads as integers are written as plain digits; of two
/// that become equal the later wins. Key order follows the base, new keys come last. Throws overlay_error.
[[nodiscard]] json::object merge_overlay(const json::object& base, const json::object& overrides);

}  // namespace qgrain::sweep

#endif
