// What the language-model tests share: the embedded model, reference files, collected gradients.
#ifndef QGRAIN_TESTS_LM_LM_SUPPORT_HPP
#define QGRAIN_TESTS_LM_LM_SUPPORT_HPP

#include <common/json.hpp>
#include <lm/model.hpp>
#include <lm/pass.hpp>
#include <lm/safetensors.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace qgrain::lm::testing {

inline const std::filesystem::path source_dir = QGRAIN_SOURCE_DIR;
inline const std::filesystem::path model_dir = source_dir / "examples/models/tiny-qwen3";
inline const std::filesystem::path data_dir = source_dir / "tests/data/lm";

/// An empty folder of its own for one test, removed afterwards.
class temporary_folder {
 public:
  temporary_folder() {
    std::random_device seed;
    path_ = std::filesystem::temp_directory_path() / ("qgrain-test-" + std::to_string(seed()) + std::to_string(seed()));
    std::filesystem::create_directories(path_);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::vector<float> floats_of(const safetensors_file& file, const std::string& name) {
  const tensor_info& tensor = file.at(name);
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  file.read_f32(tensor, 0, values);
  return values;
}

inline token_ids ids_of(const safetensors_file& file, const std::string& name) {
  const tensor_info& tensor = file.at(name);
  token_ids ids(static_cast<std::size_t>(tensor.elements()));
  file.read_i32(tensor, 0, ids);
  return ids;
}

/// Largest absolute difference over the largest magnitude of `wanted`.
inline double relative_difference(const std::vector<float>& found, const std::vector<float>& wanted) {
  double difference = found.size() == wanted.size() ? 0 : INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < std::min(found.size(), wanted.size()); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(found[i]) - static_cast<double>(wanted[i])));
    largest = std::max(largest, std::abs(static_cast<double>(wanted[i])));
  }
  return difference / largest;
}

inline double relative_l2_difference(const std::vector<float>& found, const std::vector<float>& wanted) {
  double difference = found.size() == wanted.size() ? 0 : INFINITY;
  double norm = 0;
  for (std::size_t i = 0; i < std::min(found.size(), wanted.size()); ++i) {
    const double d = static_cast<double>(found[i]) - static_cast<double>(wanted[i]);
    difference += d * d;
    norm += static_cast<double>(wanted[i]) * static_cast<double>(wanted[i]);
  }
  return std::sqrt(difference / norm);
}

/// Input, output and gradient of every Linear, dense over all packed rows; rows that the pass leaves out are 0.
class sample_collector final : public backward_visitor {
 public:
  struct linear_data {
    std::vector<float> x, y, gradient;
    index_t in = 0;
    index_t out = 0;
  };
  sample_collector(const model& m, index_t rows) : rows_(rows) {
    for (const linear_info& l : m.linears()) {
      linear_data data;
      data.in = l.in;
      data.out = l.out;
      data.x.resize(static_cast<std::size_t>(rows * l.in));
      data.y.resize(static_cast<std::size_t>(rows * l.out));
      data.gradient.resize(static_cast<std::size_t>(rows * l.out));
      linears.push_back(std::move(data));
    }
  }
  void visit(const linear_sample& sample) override {
    for (const linear_output& output : sample.outputs) {
      linear_data& data = linears[static_cast<std::size_t>(output.linear)];
      for (index_t i = 0; i < sample.x.rows(); ++i) {
        const index_t row = sample.rows[static_cast<std::size_t>(i)];
        as_matrix(data.x.data(), rows_, data.in).row(row) = sample.x.row(i);
        const index_t out = output.y.cols();
        as_matrix(data.y.data(), rows_, data.out).row(row).segment(output.first_output, out) = output.y.row(i);
        as_matrix(data.gradient.data(), rows_, data.out).row(row).segment(output.first_output, out) =
            output.gradient.row(i);
      }
    }
  }
  std::vector<linear_data> linears;

 private:
  index_t rows_;
};

/// `action` must throw qgrain::error with this code and a sentence that holds every one of `words`.
template <class Action>
void expect_error(errc code, const std::vector<std::string>& words, const Action& action) {
  try {
    action();
    BOOST_ERROR("no error, where the sentence should hold \"" + words[0] + "\"");
  } catch (const error& failure) {
    const std::string sentence = failure.what();
    BOOST_TEST((failure.code() == code), sentence);
    for (const std::string& word : words) {
      BOOST_TEST((sentence.find(word) != std::string::npos), sentence + " lacks " + word);
    }
  }
}

}  // namespace qgrain::lm::testing

#endif
