// Golden cases as files for qgrain-quantize: writes inputs, runs recipes, keeps the books.
#ifndef QGRAIN_TESTS_QUANTIZE_VECTOR_REPLAY_HPP
#define QGRAIN_TESTS_QUANTIZE_VECTOR_REPLAY_HPP

#include <lm/safetensors.hpp>
#include <quantize/convert.hpp>
#include <support/vector_file.hpp>
#include <sweep/scratch_folder.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace qgrain_test {

namespace convert = qgrain::convert;
namespace lm = qgrain::lm;

[[nodiscard]] inline lm::dtype dtype_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(lm::dtype::f64); ++i) {
    if (name == lm::name_of(static_cast<lm::dtype>(i))) return static_cast<lm::dtype>(i);
  }
  throw std::runtime_error("no dtype is named " + name);
}

using named_tensors = std::map<std::string, tensor>;

inline void write_tensors(const std::filesystem::path& path, const named_tensors& tensors,
                          const std::map<std::string, std::string>& metadata = {}) {
  std::vector<lm::tensor_plan> plan;
  for (const auto& [name, t] : tensors) plan.push_back({name, dtype_named(t.dtype), t.shape});
  lm::safetensors_writer writer(path, plan, metadata);
  std::size_t at = 0;
  for (const auto& [name, t] : tensors) writer.write(at++, 0, std::as_bytes(std::span(t.bytes)));
  writer.finish();
}

[[nodiscard]] inline named_tensors read_tensors(const std::filesystem::path& path) {
  const lm::safetensors_file file(path);
  named_tensors tensors;
  for (const lm::tensor_info& info : file.tensors()) {
    tensor t{std::string(lm::name_of(info.type)), info.shape,
             std::string(static_cast<std::size_t>(info.end - info.begin), '\0')};
    file.read_bytes(info, 0, std::as_writable_bytes(std::span(t.bytes)));
    tensors.emplace(info.name, std::move(t));
  }
  return tensors;
}

/// Float numbers of which any two NaN are equal, other types byte by byte.
[[nodiscard]] inline bool same_data(const tensor& a, const tensor& b) {
  if (a.dtype != b.dtype || a.bytes.size() != b.bytes.size()) return false;
  if (a.dtype == "F32" || a.dtype == "BF16") return differences(a.floats(), b.floats()) == 0;
  return a.bytes == b.bytes;
}

/// How a case is run: what is quantized by which recipe, and which of its parts are given.
struct replay {
  std::string recipe;
  tensor input;
  std::set<std::string> given = {};
};

/// Decides of two tensors of a part that differ; true where the difference is excused or a documented defect.
using excuse = std::function<bool(const std::string& label, const std::string& part, const tensor& own,
                                  const tensor& wanted, const named_tensors& own_parts)>;

/// Counts of a file, which the test asserts.
struct expected_counts {
  std::size_t cases = 0;
  std::size_t excused = 0;  ///< tensors that differ where they may
  std::size_t codes = 0;    ///< cases decoded from their codes
  std::size_t packed = 0;   ///< cases decoded from their packed bytes
};

class replay_books {
 public:
  explicit replay_books(const std::string& name) : file(name), name_(name) {}

  void add(const std::string& label, replay how) { cases_.emplace(label, std::move(how)); }

  /// Runs every case in both directions, one call per recipe, compares every part that the file holds, prints "N of N".
  void finish(const expected_counts& wanted, const excuse& may_differ = {}, bool shapes = true) {
    std::map<std::pair<std::string, std::set<std::string>>, std::vector<std::string>> jobs;
    for (const auto& [label, how] : cases_) jobs[{how.recipe, how.given}].push_back(label);
    for (const auto& [job, labels] : jobs) run(job.first, labels, may_differ, shapes);
    for (const char* from : {"codes", "packed"}) decode(from);
    BOOST_TEST_MESSAGE(name_ << ": " << right_ << " of " << cases_.size() << " cases, " << compared_
                             << " tensors compared, " << excused_ << " of them excused, decoded " << decoded_["codes"]
                             << " from codes, " << decoded_["packed"] << " from packed bytes, " << jobs.size()
                             << " recipes");
    BOOST_TEST(cases_.size() == wanted.cases);
    BOOST_TEST(right_ == wanted.cases);
    BOOST_TEST(excused_ == wanted.excused);
    BOOST_TEST(decoded_["codes"] == wanted.codes);
    BOOST_TEST(decoded_["packed"] == wanted.packed);
  }

  const vector_file file;

 private:
  void run(const std::string& recipe, const std::vector<std::string>& labels, const excuse& may_differ, bool shapes) {
    named_tensors inputs, given;
    for (const std::string& label : labels) {
      const replay& how = cases_.at(label);
      inputs[label] = how.input;
      for (const std::string& part : how.given) given[label + "." + part] = file.get(label + "." + part);
    }
    const std::filesystem::path in = folder_.path / "in.safetensors";
    write_tensors(in, inputs);
    convert::convert_job job;
    job.in = in;
    job.recipe = recipe;
    job.out = folder_.path / "out.safetensors";
    if (!given.empty()) {
      job.given = folder_.path / "given.safetensors";
      write_tensors(job.given, given);
    }
    convert::convert_file(job);
    const named_tensors made = read_tensors(job.out);
    for (const std::string& label : labels) compare(label, made, may_differ, shapes);
  }

  void compare(const std::string& label, const named_tensors& made, const excuse& may_differ, bool shapes) {
    bool good = true;
    named_tensors own_parts;
    for (const auto& [name, t] : made) {
      if (name.starts_with(label + ".")) own_parts[name.substr(label.size() + 1)] = t;
    }
    for (const std::string& part : file.parts(label)) {
      if (part == "input" || cases_.at(label).given.contains(part) || own_parts.empty()) continue;
      const auto own = own_parts.find(part);
      if (own == own_parts.end()) {
        if (part == "codes" && cases_.at(label).recipe.starts_with("ct_pack_int")) continue;  // the input
        BOOST_ERROR(name_ << ' ' << label << ": the program wrote no " << part);
        good = false;
        continue;
      }
      const tensor wanted = file.get(label + "." + part);
      ++compared_;
      if (shapes) {
        BOOST_CHECK_MESSAGE(own->second.shape == wanted.shape, name_ << ' ' << label << ": " << part << " has shape "
                                                                     << lm::shape_text(own->second.shape) << ", not "
                                                                     << lm::shape_text(wanted.shape));
      }
      if (same_data(own->second, wanted)) continue;
      if (may_differ && may_differ(label, part, own->second, wanted, own_parts)) {
        ++excused_;
        continue;
      }
      BOOST_ERROR(name_ << ' ' << label << ": " << part << " differ (" << own->second.dtype << ", " << wanted.dtype
                        << ")");
      good = false;
    }
    right_ += good && !own_parts.empty() ? 1U : 0U;
  }

  /// The tool's own codes or packed bytes back to values.
  void decode(const std::string& from) {
    named_tensors stored;
    std::map<std::string, std::string> metadata;
    for (const auto& [label, how] : cases_) {
      const std::set<std::string> parts = file.parts(label);
      const std::string& name = how.recipe;
      const auto is = [&name](const char* form) { return name.find(form) != std::string::npos; };
      const bool fake = how.recipe.starts_with("modelopt_") && !is("_packed") && !is("_exported");
      if (!parts.contains("dequant") || !parts.contains(from) || fake) continue;
      for (const char* part : {"scales", "zero_points", "global_scale", "double_scales", "scale_zeros"}) {
        if (parts.contains(part)) stored[label + "." + part] = file.get(label + "." + part);
      }
      stored[label + "." + from] = file.get(label + "." + from);
      metadata["qgrain:" + label] = boost::json::serialize(
          boost::json::object{{"recipe", how.recipe},
                              {"dtype", how.input.dtype},
                              {"shape", boost::json::array(how.input.shape.begin(), how.input.shape.end())}});
    }
    decoded_[from] = 0;
    if (metadata.empty()) return;
    convert::convert_job job;
    job.in = folder_.path / "stored.safetensors";
    job.out = folder_.path / "values.safetensors";
    job.decode = true;
    write_tensors(job.in, stored, metadata);
    convert::convert_file(job);
    const named_tensors values = read_tensors(job.out);
    for (const auto& [key, text] : metadata) {
      const std::string label = key.substr(7);
      const bool equal = same_data(values.at(label + ".dequant"), file.get(label + ".dequant"));
      BOOST_CHECK_MESSAGE(equal, name_ << ' ' << label << ": values decoded from " << from << " differ");
      decoded_[from] += equal ? 1U : 0U;
    }
  }

  std::string name_;
  qgrain::test::scratch_folder folder_;
  std::map<std::string, replay> cases_;
  std::map<std::string, std::size_t> decoded_;
  std::size_t right_ = 0;
  std::size_t compared_ = 0;
  std::size_t excused_ = 0;
};

}  // namespace qgrain_test

#endif
