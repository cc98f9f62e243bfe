#include <engine/calibrate/ranges.hpp>
#include <engine/score/checkpoint.hpp>
#include <lm/safetensors.hpp>

#include <qgrain/core/status.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <sstream>

namespace qgrain::engine {
namespace {

constexpr const char* fingerprint_key = "fingerprint";
constexpr const char* jobs_key = "jobs";

template <class Element>
std::vector<Element> read_all(const lm::safetensors_file& file, const char* name, lm::dtype type) {
  const lm::tensor_info& tensor = file.at(name);
  if (tensor.type != type) throw error(errc::bad_file, file.path() + ": " + name + " has another type");
  std::vector<Element> values(static_cast<std::size_t>(tensor.elements()));
  file.read_bytes(tensor, 0, std::as_writable_bytes(std::span(values)));
  return values;
}

}  // namespace

std::string pass_fingerprint(std::string_view kind, std::string_view model, const lm::packed_rows& rows,
                             std::span<const job> jobs, std::span<const index_t> settings) {
  fnv1a hash;
  hash.add(std::as_bytes(std::span(kind)));
  hash.add(std::as_bytes(std::span(model)));
  hash.add(std::as_bytes(std::span(rows.ids)));
  hash.add(std::as_bytes(std::span(rows.targets)));
  hash.add(std::as_bytes(std::span(rows.positions)));
  for (const lm::sequence_rows& s : rows.sequences) {
    const std::array<index_t, 4> place{s.begin, s.rows, s.padding, s.batch};
    hash.add(std::as_bytes(std::span(place)));
  }
  for (const job& j : jobs) {
    const std::string name = job_text(j) + "\n";
    hash.add(std::as_bytes(std::span(name)));
  }
  hash.add(std::as_bytes(settings));
  return hash.text();
}

void save_checkpoint(const std::filesystem::path& path, const pass_identity& pass, const pass_place& place,
                     const std::vector<double>& sums, double scoring_flops, const lm::buffer& gradient,
                     const std::vector<double>& boundary_sums) {
  const std::array<std::int64_t, 3> numbers{place.layer, place.samples, static_cast<std::int64_t>(place.variants)};
  std::string jobs;
  for (const job& j : pass.jobs) jobs += job_text(j) + "\n";
  lm::safetensors_writer writer(path,
                                {{"place", lm::dtype::i64, {3}},
                                 {"scoring_flops", lm::dtype::f64, {1}},
                                 {"sums", lm::dtype::f64, {static_cast<std::int64_t>(sums.size())}},
                                 {"gradient", lm::dtype::f32, {gradient.size()}},
                                 {"boundary_sums", lm::dtype::f64, {static_cast<std::int64_t>(boundary_sums.size())}}},
                                {{fingerprint_key, pass.fingerprint}, {jobs_key, jobs}});
  writer.write_elements<std::int64_t>(0, 0, numbers);
  writer.write_elements<double>(1, 0, {&scoring_flops, 1});
  writer.write_elements<double>(2, 0, sums);
  writer.write_elements<float>(3, 0, {gradient.data(), static_cast<std::size_t>(gradient.size())});
  writer.write_elements<double>(4, 0, boundary_sums);
  writer.finish();
}

std::optional<pass_checkpoint> load_checkpoint(const std::filesystem::path& path, const std::string& fingerprint) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const lm::safetensors_file file(path);
  const auto found = file.metadata().find(fingerprint_key);
  if (found == file.metadata().end() || found->second != fingerprint) return std::nullopt;
  if (file.find("boundary_sums") == nullptr) return std::nullopt;  // of an older version
  const auto place = read_all<std::int64_t>(file, "place", lm::dtype::i64);
  const auto flops = read_all<double>(file, "scoring_flops", lm::dtype::f64);
  if (place.size() != 3 || flops.size() != 1) throw error(errc::bad_file, file.path() + ": its tensors are too short");
  pass_checkpoint state;
  state.place = {place[0], place[1], static_cast<std::size_t>(place[2])};
  state.scoring_flops = flops[0];
  state.sums = read_all<double>(file, "sums", lm::dtype::f64);
  state.boundary_sums = read_all<double>(file, "boundary_sums", lm::dtype::f64);
  const lm::tensor_info& gradient = file.at("gradient");
  state.gradient = lm::buffer(gradient.elements());
  file.read_f32(gradient, 0, state.gradient.all());
  return state;
}

std::vector<job> checkpoint_jobs(const std::filesystem::path& path) {
  std::vector<job> jobs;
  if (!std::filesystem::exists(path)) return jobs;
  try {
    const lm::safetensors_file file(path);
    const auto found = file.metadata().find(jobs_key);
    std::istringstream lines(found == file.metadata().end() ? "" : found->second);
    for (std::string line; std::getline(lines, line);) {
      jobs.push_back(parse_job(line));
    }
  } catch (const error&) {
    jobs.clear();
  }
  return jobs;
}

}  // namespace qgrain::engine
