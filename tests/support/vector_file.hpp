// Reads golden vectors, those of tests/data/vectors where no other folder is named. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_VECTOR_FILE_HPP
#define QGRAIN_TESTS_SUPPORT_VECTOR_FILE_HPP

#include <boost/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain_test {

/// sign, 5 bits of exponent, 10 of mantissa
[[nodiscard]] inline float widened_float16(std::uint16_t half) {
  const int exponent = half >> 10U & 31;
  const int mantissa = half & 1023;
  const float magnitude = exponent == 31  ? (mantissa == 0 ? INFINITY : NAN)
                          : exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                          : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return (half >> 15U) != 0 ? -magnitude : magnitude;
}

struct tensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;

  [[nodiscard]] std::int64_t count() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : shape) product *= extent;
    return product;
  }
  /// Elements of the stored type.
  template <class T>
  [[nodiscard]] std::vector<T> as() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  /// F32, BF16 and F16 as floats.
  [[nodiscard]] std::vector<float> floats() const {
    if (dtype == "F32") return as<float>();
    if (dtype == "F16") {
      std::vector<float> wide;
      for (const std::uint16_t half : as<std::uint16_t>()) wide.push_back(widened_float16(half));
      return wide;
    }
    if (dtype != "BF16") throw std::runtime_error("a tensor of " + dtype + " is not one of floats");
    std::vector<float> wide;
    for (const std::uint16_t half : as<std::uint16_t>()) {
      wide.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16U));
    }
    return wide;
  }
};

class vector_file {
 public:
  explicit vector_file(const std::string& name, const std::string& folder = "vectors") {
    const std::string path = std::string(QGRAIN_SOURCE_DIR "/tests/data/") + folder + "/" + name + ".safetensors";
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot open " + path);
    content_.assign(std::istreambuf_iterator<char>(stream), {});
    std::uint64_t length = 0;
    std::memcpy(&length, content_.data(), sizeof length);
    header_ = boost::json::parse(std::string_view(content_).substr(8, length)).as_object();
    data_ = 8 + length;
    const boost::json::object empty;
    const boost::json::value* metadata = header_.if_contains("__metadata__");
    for (const auto& [key, value] : metadata == nullptr ? empty : metadata->as_object()) {
      const std::string_view text = key;
      if (text.starts_with("alias:")) {
        aliases_[std::string(text.substr(6))] = std::string(value.as_string());
      } else {
        remarks_[std::string(text)] = std::string(value.as_string());
      }
    }
    // A case is what stands before the last dot of a tensor's name.
    const auto add = [&](const std::string& full) { cases_.try_emplace(full.substr(0, full.rfind('.'))); };
    for (const auto& [key, value] : header_) {
      if (key != "__metadata__") add(std::string(key));
    }
    for (const auto& [key, target] : aliases_) add(key);
    for (auto& [name_of_case, remark] : cases_) {
      if (const auto found = remarks_.find(name_of_case); found != remarks_.end()) remark = found->second;
    }
  }

  /// Case names with their remarks, sorted.
  [[nodiscard]] const std::map<std::string, std::string>& cases() const { return cases_; }

  /// What the file holds of a case: "codes", "scales", ...
  [[nodiscard]] std::set<std::string> parts(const std::string& name_of_case) const {
    std::set<std::string> found;
    const auto add = [&](const std::string& full) {
      const auto dot = full.rfind('.');
      if (full.substr(0, dot) == name_of_case) found.insert(full.substr(dot + 1));
    };
    for (const auto& [key, value] : header_) {
      if (key != "__metadata__") add(std::string(key));
    }
    for (const auto& [key, target] : aliases_) add(key);
    return found;
  }

  [[nodiscard]] bool has(const std::string& name) const { return aliases_.contains(name) || header_.contains(name); }

  [[nodiscard]] tensor get(const std::string& name) const {
    const auto alias = aliases_.find(name);
    const boost::json::object& entry = header_.at(alias == aliases_.end() ? name : alias->second).as_object();
    tensor result;
    result.dtype = entry.at("dtype").as_string();
    for (const auto& extent : entry.at("shape").as_array()) result.shape.push_back(extent.to_number<std::int64_t>());
    const auto& offsets = entry.at("data_offsets").as_array();
    const auto begin = offsets.at(0).to_number<std::size_t>();
    result.bytes = content_.substr(data_ + begin, offsets.at(1).to_number<std::size_t>() - begin);
    return result;
  }

 private:
  std::string content_;
  boost::json::object header_;
  std::size_t data_ = 0;
  std::map<std::string, std::string> aliases_;
  std::map<std::string, std::string> remarks_;
  std::map<std::string, std::string> cases_;
};

/// Equal bits, or both NaN.
[[nodiscard]] inline bool same_float(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}

/// How many positions differ (all of them where the lengths do).
[[nodiscard]] inline std::size_t differences(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::max(a.size(), b.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += same_float(a[i], b[i]) ? 0U : 1U;
  return count;
}

}  // namespace qgrain_test

#endif
