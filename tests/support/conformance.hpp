// Golden vectors against a quantizer type: every tensor of every case is compared, or the test says why not.
#ifndef QGRAIN_TESTS_SUPPORT_CONFORMANCE_HPP
#define QGRAIN_TESTS_SUPPORT_CONFORMANCE_HPP

#include <support/vector_file.hpp>
#include <support/vector_matrix.hpp>

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/scale/affine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace qgrain_test {

/// Keeps the books of one vector file. A case counts when every tensor of it (its input aside) was compared and equal,
/// or excused by name.
class conformance {
 public:
  explicit conformance(const std::string& file_name) : file(file_name), name_(file_name) {}
  conformance(const conformance&) = delete;
  conformance& operator=(const conformance&) = delete;

  /// The next comparisons belong to this case.
  void begin(const std::string& name_of_case) {
    case_ = name_of_case;
    open_ = file.parts(name_of_case);
    open_.erase("input");
    wrong_ = 0;
  }
  void compare(const std::string& part, bool equal) {
    BOOST_CHECK_MESSAGE(open_.erase(part) == 1, name_ << ' ' << case_ << ": there is no " << part << " to compare");
    BOOST_CHECK_MESSAGE(equal, name_ << ' ' << case_ << ": " << part << " differ");
    wrong_ += equal ? 0U : 1U;
    ++compared_;
  }
  /// An input of the case.
  void given(const std::string& part) { open_.erase(part); }
  /// The tool departs from its own standard here: `exactly` says that it does so as documented and nowhere else.
  void defect(const std::string& part, bool exactly) {
    compare(part, exactly);
    defective_.insert(case_);
  }
  /// Not compared: the test says why in a comment, docs/conformance.md in its table.
  void excuse(const std::string& part) {
    open_.erase(part);
    ++excused_;
  }
  void end() {
    BOOST_CHECK_MESSAGE(open_.empty(), name_ << ' ' << case_ << ": not compared: " << *open_.begin());
    right_ += wrong_ == 0 && open_.empty() ? 1U : 0U;
  }

  /// Counts of a file: how many cases it has, how many of them show a documented defect of the tool, how many tensors
  /// were left out.
  struct expected {
    std::size_t cases = 0;
    std::size_t defects = 0;
    std::size_t excused = 0;
  };
  /// Prints "N of N" and checks the counts.
  void finish(expected wanted) const {
    std::string text = name_ + ": " + std::to_string(right_) + " of " + std::to_string(file.cases().size()) +
                       " cases, " + std::to_string(compared_) + " tensors compared";
    if (wanted.defects > 0) text += ", " + std::to_string(defective_.size()) + " of them with a defect of the tool";
    if (wanted.excused > 0) text += ", " + std::to_string(excused_) + " tensors left out";
    BOOST_TEST_MESSAGE(text);
    BOOST_TEST(file.cases().size() == wanted.cases);
    BOOST_TEST(right_ == wanted.cases);
    BOOST_TEST(defective_.size() == wanted.defects);
    BOOST_TEST(excused_ == wanted.excused);
  }

  const vector_file file;

 private:
  std::string name_;
  std::string case_;
  std::set<std::string> open_;
  std::set<std::string> defective_;
  std::size_t wrong_ = 0;
  std::size_t right_ = 0;
  std::size_t compared_ = 0;
  std::size_t excused_ = 0;
};

template <class Q>
struct coded {
  std::vector<typename Q::code_type> codes;
  std::vector<typename Q::stored_scale> scales;
  std::vector<float> values;
};

/// Quantizes with the scales given, group by group; the plain loop over the definition that all backends call.
template <class Q>
[[nodiscard]] coded<Q> encode_with(const std::vector<typename Q::stored_scale>& scales, float tensor_scale,
                                   const std::vector<float>& in, qgrain::shape2d shape) {
  coded<Q> out;
  out.scales = scales;
  for (qgrain::index_t i = 0; i < shape.elements(); ++i) {
    const auto group = static_cast<std::size_t>(Q::scale_index(shape, i / shape.cols, i % shape.cols));
    const auto factors = Q::factors(scales.at(group), tensor_scale);
    const auto code = Q::encode(in.at(static_cast<std::size_t>(i)), factors);
    out.codes.push_back(code);
    out.values.push_back(Q::decode(code, factors));
  }
  return out;
}

/// Quantizes with scales from the data.
template <class Q>
[[nodiscard]] coded<Q> encode_own(const std::vector<float>& in, qgrain::shape2d shape, float tensor_scale = 1.0F) {
  std::vector<typename Q::range_type> ranges(static_cast<std::size_t>(Q::scale_count(shape)));
  for (qgrain::index_t i = 0; i < shape.elements(); ++i) {
    auto& range = ranges[static_cast<std::size_t>(Q::scale_index(shape, i / shape.cols, i % shape.cols))];
    range = qgrain::widened(range, in.at(static_cast<std::size_t>(i)));
  }
  std::vector<typename Q::stored_scale> scales;
  for (const auto& range : ranges) scales.push_back(Q::scale(range, tensor_scale));
  return encode_with<Q>(scales, tensor_scale, in, shape);
}

/// Codes as bytes: the low bits of one code each.
template <class Code>
[[nodiscard]] std::string bytes_of(const std::vector<Code>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Code)};
}

/// Stored scales as a file has them: raw bytes, without zero points.
template <class Scale>
[[nodiscard]] std::string scale_bytes(const std::vector<Scale>& scales) {
  return bytes_of(scales);
}
template <class T, class Integer>
[[nodiscard]] std::string scale_bytes(const std::vector<qgrain::affine_scale<T, Integer>>& scales) {
  std::vector<T> only;
  for (const auto& s : scales) only.push_back(s.scale);
  return bytes_of(only);
}
/// Zero points as bytes of their own type; symmetric scales have zeros of the wanted type.
template <class Wanted, class Scale>
[[nodiscard]] std::string zero_point_bytes(const std::vector<Scale>& scales) {
  return bytes_of(std::vector<Wanted>(scales.size()));
}
template <class Wanted, class T, class Integer>
[[nodiscard]] std::string zero_point_bytes(const std::vector<qgrain::affine_scale<T, Integer>>& scales) {
  std::vector<Wanted> only;
  for (const auto& s : scales) only.push_back(static_cast<Wanted>(s.zero_point));
  return bytes_of(only);
}

[[nodiscard]] inline std::string wanted_zero_points(const std::string& dtype, const auto& scales) {
  if (dtype == "I8") return zero_point_bytes<std::int8_t>(scales);
  if (dtype == "U8") return zero_point_bytes<std::uint8_t>(scales);
  return zero_point_bytes<std::int32_t>(scales);
}

/// Equal codes. Which of a format's NaN codes is written is the tool's choice, so any two of them count as equal.
template <class Format>
[[nodiscard]] bool same_codes(const std::vector<typename Format::code_type>& own, const std::string& bytes) {
  using code_type = typename Format::code_type;
  std::vector<code_type> wanted(bytes.size() / sizeof(code_type));
  std::memcpy(wanted.data(), bytes.data(), bytes.size());
  return std::equal(own.begin(), own.end(), wanted.begin(), wanted.end(), [](code_type a, code_type b) {
    return a == b || (qgrain::is_nan(Format::decode(a)) && qgrain::is_nan(Format::decode(b)));
  });
}

/// Compares what the file has of the current case with what a quantizer made.
template <class Q>
void compare_coded(conformance& books, const std::string& label, const coded<Q>& got) {
  const std::set<std::string> parts = books.file.parts(label);
  const auto bytes = [&](const char* part) { return books.file.get(label + "." + part).bytes; };
  if (parts.contains("codes")) books.compare("codes", same_codes<typename Q::format_type>(got.codes, bytes("codes")));
  if (parts.contains("scales")) books.compare("scales", scale_bytes(got.scales) == bytes("scales"));
  if (parts.contains("zero_points")) {
    const tensor wanted = books.file.get(label + ".zero_points");
    books.compare("zero_points", wanted_zero_points(wanted.dtype, got.scales) == wanted.bytes);
  }
  if (parts.contains("dequant")) {
    books.compare("dequant", differences(got.values, books.file.get(label + ".dequant").floats()) == 0);
  }
}

/// The part of a case name between two dots, counted from 0.
[[nodiscard]] inline std::string part_of_name(const std::string& label, int index) {
  std::size_t begin = 0;
  for (int i = 0; i < index; ++i) begin = label.find('.', begin) + 1;
  return label.substr(begin, label.find('.', begin) - begin);
}

}  // namespace qgrain_test

#endif
