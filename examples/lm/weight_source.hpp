// What a checkpoint reads weights from that are not stored as plain floats: one interface for all containers.
#ifndef QGRAIN_LM_WEIGHT_SOURCE_HPP
#define QGRAIN_LM_WEIGHT_SOURCE_HPP

#include <lm/safetensors.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// How a weight is stored: "int4 in words, BF16 scales of 1x64", and how many bytes that takes, scales counted.
struct stored_form {
  std::string text;
  std::int64_t bytes = 0;
};

/// Coded weights under Hugging Face's names, in its order of rows. What is read of them are float32 values, decoded as
/// they are asked for. Const members may be called from several threads at once.
class weight_source {
 public:
  weight_source() = default;
  weight_source(const weight_source&) = delete;
  weight_source& operator=(const weight_source&) = delete;
  weight_source(weight_source&&) = default;
  weight_source& operator=(weight_source&&) = default;
  virtual ~weight_source() = default;

  /// Name and shape, F32; positions are those of the values. Null where the weight is not one of the source's.
  [[nodiscard]] virtual const tensor_info* info_of(std::string_view weight) const noexcept = 0;
  /// Of all weights, in the order of the source.
  [[nodiscard]] virtual std::vector<std::string> names() const = 0;
  /// Of a weight that `require_readable` accepts.
  [[nodiscard]] virtual stored_form form_of(std::string_view weight) const = 0;
  /// @throws error errc::unsupported or errc::bad_file where a weight of the source cannot be decoded, saying why
  virtual void require_readable(std::string_view weight) const = 0;
  /// Elements [first, first + out.size()) of a weight that `require_readable` has accepted.
  virtual void read(std::string_view weight, std::int64_t first, std::span<float> out) const = 0;
  /// The whole weight will be read soon: the system may bring its bytes meanwhile.
  virtual void will_read(std::string_view weight) const noexcept = 0;
  /// What a user should know, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> warnings() const = 0;
};

}  // namespace qgrain::lm

#endif
