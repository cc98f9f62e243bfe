#include <quantize/recipe_parts.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace qgrain::convert {
namespace {

extents without_ones_at_the_end(extents shape) {
  while (!shape.empty() && shape.back() == 1) shape.pop_back();
  return shape;
}

bool suits(const extents& shape, const extents& wanted) {
  const index_t count = element_count(wanted);
  if (element_count(shape) != count) return false;
  if (count == 1 || without_ones_at_the_end(shape) == without_ones_at_the_end(wanted)) return true;
  return shape.size() == 1 && std::count(wanted.begin(), wanted.end(), 1) + 1 == std::ssize(wanted);
}

}  // namespace

void refuse(const tensor_facts& facts, const std::string& why) {
  throw error(errc::invalid_shape, facts.where + ": " + why);
}

void require_float(const tensor_facts& facts, std::string_view recipe_name) {
  if (is_float(facts.type)) return;
  throw error(errc::unsupported, facts.where + " is " + text_of(facts.type, facts.shape) + ", but recipe " +
                                     std::string(recipe_name) +
                                     " takes F32, BF16 or F16 (--tensor chooses the tensors)");
}

void require_taken(const tensor_facts& facts, const tensor_parts& given, std::span<const std::string> takes,
                   std::string_view recipe_name) {
  for (const auto& [name, part] : given) {
    if (std::find(takes.begin(), takes.end(), name) != takes.end()) continue;
    throw error(errc::unsupported, facts.where + ": recipe " + std::string(recipe_name) + " cannot take a given \"" +
                                       name + "\"; it takes " + join_names(takes));
  }
}

void require_elements(const tensor_facts& facts) {
  if (element_count(facts.shape) > 0) return;
  refuse(facts, "the shape " + lm::shape_text(facts.shape) + " has no elements");
}

void require_shape(const tensor_facts& facts, std::string_view part, const host_tensor& tensor, const extents& wanted,
                   const extents* other) {
  if (suits(tensor.shape, wanted) || (other != nullptr && suits(tensor.shape, *other))) return;
  refuse(facts, "\"" + std::string(part) + "\" has " + std::to_string(tensor.elements()) + " elements " +
                    lm::shape_text(tensor.shape) + ", but " + std::to_string(element_count(wanted)) + " " +
                    lm::shape_text(wanted) + " are needed");
}

std::string place_text(const extents& shape, index_t element) {
  extents place(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    place[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return lm::shape_text(place);
}

void require_finite(const tensor_facts& facts, const host_tensor& tensor) {
  const std::vector<float> values = floats_of(tensor);
  const auto is_fault = [](float x) { return !std::isfinite(x); };
  const auto first = std::find_if(values.begin(), values.end(), is_fault);
  if (first == values.end()) return;
  const auto count = std::count_if(first, values.end(), is_fault);
  std::ostringstream sentence;
  sentence << facts.where << " holds " << count << (count == 1 ? " value that is" : " values that are")
           << " NaN or infinite, the first at " << place_text(facts.shape, first - values.begin())
           << " (--allow-non-finite goes on)";
  throw error(errc::non_finite, sentence.str());
}

const host_tensor& require_part(const tensor_facts& facts, const tensor_parts& stored, std::string_view part,
                                std::string_view recipe_name) {
  if (const host_tensor* found = find_part(stored, part)) return *found;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : stored) names.push_back(name);
  throw error(errc::bad_file, facts.where + ": recipe " + std::string(recipe_name) + " needs \"" + std::string(part) +
                                  "\"; there are " + join_names(names));
}

host_tensor as_type(const tensor_facts& facts, std::string_view part, const host_tensor& tensor, dtype wanted) {
  if (tensor.type == wanted) return tensor;
  const bool bytes = wanted == dtype::u8 && (tensor.type == dtype::f8_e4m3 || tensor.type == dtype::f8_e8m0);
  if (bytes) {
    host_tensor same = tensor;
    same.type = wanted;
    return same;
  }
  if (is_float(tensor.type) && is_float(wanted)) {
    const std::vector<float> values = floats_of(tensor);
    host_tensor converted = tensor_of(wanted, tensor.shape, values);
    const std::vector<float> kept = floats_of(converted);
    const auto same = [](float a, float b) { return a == b || (is_nan(a) && is_nan(b)); };
    if (std::equal(values.begin(), values.end(), kept.begin(), same)) return converted;
  }
  throw error(errc::bad_file, facts.where + ": \"" + std::string(part) + "\" is " + text_of(tensor.type, tensor.shape) +
                                  ", but " + std::string(lm::name_of(wanted)) + " is needed");
}

std::vector<std::byte> pack_rows(std::span<const std::byte> codes, index_t cols, int bits, bit_order order) {
  const index_t rows = static_cast<index_t>(codes.size()) / cols;
  const index_t width = packed_bytes(cols, bits);
  std::vector<std::byte> packed(static_cast<std::size_t>(rows * width));
  const auto* in = reinterpret_cast<const std::uint8_t*>(codes.data());
  auto* out = reinterpret_cast<std::uint8_t*>(packed.data());
  for (index_t r = 0; r < rows; ++r) pack_codes(in + r * cols, cols, bits, order, out + r * width);
  return packed;
}

std::vector<std::byte> unpack_rows(std::span<const std::byte> packed, index_t rows, index_t cols, int bits,
                                   bit_order order) {
  const index_t width = packed_bytes(cols, bits);
  std::vector<std::byte> codes(static_cast<std::size_t>(rows * cols));
  const auto* in = reinterpret_cast<const std::uint8_t*>(packed.data());
  auto* out = reinterpret_cast<std::uint8_t*>(codes.data());
  for (index_t r = 0; r < rows; ++r) unpack_codes(in + r * width, cols, bits, order, out + r * cols);
  return codes;
}

extents with_last(extents shape, index_t last) {
  if (shape.empty()) shape.push_back(1);
  shape.back() = last;
  return shape;
}

shape2d rows_of(const extents& shape) noexcept {
  const index_t last = shape.empty() ? 1 : shape.back();
  return {element_count(shape) / std::max<index_t>(last, 1), last};
}

}  // namespace qgrain::convert
