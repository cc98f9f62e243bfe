#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <common/xxhash64.hpp>
#include <lm/gguf/gguf_documents.hpp>
#include <sweep/run/identify.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <span>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

namespace qgrain::sweep {
namespace {

constexpr std::size_t portion_bytes = std::size_t{1} << 20;

// Elements whose exponent bits are all set.
template <class Bits>
std::int64_t count_of_exponent(std::span<const std::byte> bytes, Bits exponent) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at + sizeof(Bits) <= bytes.size(); at += sizeof(Bits)) {
    Bits element = 0;
    std::memcpy(&element, bytes.data() + at, sizeof element);
    count += static_cast<Bits>(element & exponent) == exponent ? 1 : 0;
  }
  return count;
}

std::int64_t non_finite_values(std::span<const std::byte> bytes, lm::dtype type) {
  switch (type) {
    case lm::dtype::f32:
      return count_of_exponent<std::uint32_t>(bytes, 0x7F800000U);
    case lm::dtype::bf16:
      return count_of_exponent<std::uint16_t>(bytes, 0x7F80U);
    case lm::dtype::f16:
      return count_of_exponent<std::uint16_t>(bytes, 0x7C00U);
    default:
      return 0;  // floats of a language model are of the three above; codes have no part in this
  }
}

struct scanned_tensor {
  std::string name;
  std::uint64_t hash = 0;
  std::int64_t non_finite = 0;
};

scanned_tensor scan(const lm::safetensors_file& file, const lm::tensor_info& tensor) {
  scanned_tensor found{tensor.name, 0, 0};
  common::xxhash64 hash;
  hash.add_text(tensor.name);
  hash.add_text(lm::name_of(tensor.type));
  hash.add_text(lm::shape_text(tensor.shape));
  const std::int64_t size = tensor.end - tensor.begin;
  std::vector<std::byte> memory(std::min(portion_bytes, static_cast<std::size_t>(size)));
  for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(memory.size())) {
    const auto part = std::span(memory).first(std::min(memory.size(), static_cast<std::size_t>(size - at)));
    file.read_bytes(tensor, at, part);
    hash.add(part);
    found.non_finite += non_finite_values(part, tensor.type);
  }
  found.hash = hash.value();
  return found;
}

std::int64_t non_finite_values(std::span<const float> values) {
  return count_of_exponent<std::uint32_t>(std::as_bytes(values), 0x7F800000U);
}

// A tensor of a GGUF file: its bytes, and the values of those that the model has.
scanned_tensor scan(const lm::gguf_weights& weights, const lm::gguf_tensor& tensor) {
  const std::string name = lm::hugging_face_name_of(lm::family_of(weights.file()), tensor.name);
  scanned_tensor found{name, 0, 0};
  common::xxhash64 hash;
  hash.add_text(tensor.name);
  hash.add_text(tensor.type->name);
  hash.add_text(lm::shape_text(tensor.shape));
  const lm::gguf_weight* weight = weights.find(name);
  const std::int64_t portion_blocks =
      std::max<std::int64_t>(static_cast<std::int64_t>(portion_bytes) / tensor.type->bytes, 1);
  const std::int64_t blocks = tensor.bytes / tensor.type->bytes;
  std::vector<std::byte> memory;
  std::vector<float> values;
  for (std::int64_t at = 0; at < blocks; at += portion_blocks) {
    const std::int64_t count = std::min(portion_blocks, blocks - at);
    memory.resize(static_cast<std::size_t>(count * tensor.type->bytes));
    weights.file().read_bytes(tensor, at * tensor.type->bytes, memory);
    hash.add(memory);
    if (weight == nullptr || tensor.type->decode == nullptr) continue;
    values.resize(static_cast<std::size_t>(count * tensor.type->elements));
    weights.read(*weight, at * tensor.type->elements, values);
    found.non_finite += non_finite_values(values);
  }
  found.hash = hash.value();
  return found;
}

void refuse_non_finite(const lm::model& model, std::span<const scanned_tensor> tensors) {
  const std::set<std::string> read = model.read_tensors();
  std::ostringstream list;
  std::size_t faults = 0;
  for (const scanned_tensor& t : tensors) {
    if (t.non_finite == 0 || !read.contains(std::string(model.tensors().counts_as(t.name)))) continue;
    list << (faults++ > 0 ? ", " : "") << t.name << " (" << t.non_finite
         << (t.non_finite == 1 ? " value)" : " values)");
  }
  if (faults > 0) throw error(errc::non_finite, model.tensors().name() + ": NaN or infinity in " + list.str());
}

json::object gguf_identity(const lm::model& model, const lm::gguf_file& file, thread_pool& pool) {
  const auto text_of = [](const common::json_document& document) {
    return common::xxhash64_text(json::serialize(common::with_sorted_keys(document.root)));
  };
  return {{"weights", weights_hash(model, pool)},
          {"model_config", text_of(lm::config_document(file))},
          {"tokenizer", text_of(lm::tokenizer_document(file))}};
}

json::object model_identity(const opened_pass& pass) {
  const std::filesystem::path& folder = pass.settings.model;
  thread_pool pool(pass.settings.threads);
  if (const lm::gguf_weights* gguf = pass.model.tensors().gguf()) return gguf_identity(pass.model, gguf->file(), pool);
  const json::value config = common::with_sorted_keys(common::read_json_file(folder / "config.json"));
  common::xxhash64 tokenizer;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    tokenizer.add_text(std::filesystem::exists(folder / name) ? common::read_text_file(folder / name) : "");
  return {{"weights", weights_hash(pass.model, pool)},
          {"model_config", common::xxhash64_text(json::serialize(config))},
          {"tokenizer", tokenizer.text()}};
}

template <class Element>
void add_all(common::xxhash64& hash, const std::vector<Element>& values) {
  const std::uint64_t size = values.size();
  hash.add(std::as_bytes(std::span(&size, 1)));
  hash.add(std::as_bytes(std::span(values)));
}

std::string texts_hash(const lm::packed_rows& rows) {
  common::xxhash64 hash;
  add_all(hash, rows.ids);
  add_all(hash, rows.targets);
  add_all(hash, rows.positions);
  std::vector<lm::index_t> places;
  for (const lm::sequence_rows& s : rows.sequences) places.insert(places.end(), {s.begin, s.rows, s.padding, s.batch});
  add_all(hash, places);
  return hash.text();
}

}  // namespace

std::string weights_hash(const lm::model& model, thread_pool& pool) {
  std::vector<std::function<scanned_tensor()>> scans;
  for (const lm::safetensors_file& file : model.tensors().files()) {
    for (const lm::tensor_info& tensor : file.tensors())
      scans.emplace_back([&file, &tensor] { return scan(file, tensor); });
  }
  if (const lm::gguf_weights* gguf = model.tensors().gguf()) {
    for (const lm::gguf_tensor& tensor : gguf->file().tensors())
      scans.emplace_back([gguf, &tensor] { return scan(*gguf, tensor); });
  }
  std::vector<scanned_tensor> tensors(scans.size());
  pool.run(static_cast<lm::index_t>(scans.size()),
           [&](lm::index_t i) { tensors[static_cast<std::size_t>(i)] = scans[static_cast<std::size_t>(i)](); });
  refuse_non_finite(model, tensors);
  std::sort(tensors.begin(), tensors.end(), [](const scanned_tensor& a, const scanned_tensor& b) {
    return std::tie(a.name, a.hash) < std::tie(b.name, b.hash);
  });
  common::xxhash64 hash;
  for (const scanned_tensor& t : tensors) hash.add(std::as_bytes(std::span(&t.hash, 1)));
  return hash.text();
}

json::object run_identities::of_pass(const opened_pass& pass) {
  const auto [known, is_new] = of_model_.try_emplace(pass.settings.model);
  if (is_new) known->second = model_identity(pass);
  json::object identity = known->second;
  identity["texts"] = texts_hash(pass.rows);
  identity["numerics"] = numerics_version;
  return identity;
}

json::object job_identity(json::object of_pass, const planned_job& job) {
  json::array formats;
  for (const planned_format& format : job.formats) {
    const quantization_job& q = format.quantization;
    formats.push_back(json::array{format.pair, q.format_name, q.granularity.name, q.config, q.recipes.weight,
                                  q.recipes.activation, q.recipes.calibration});
  }
  of_pass["configuration"] = configuration_hash(job.config);
  of_pass["formats"] = common::xxhash64_text(json::serialize(formats));
  if (const std::filesystem::path& table = job.settings.autoquant.latency_table; !table.empty())
    of_pass["latency_table"] =
        common::xxhash64_text(json::serialize(common::with_sorted_keys(common::read_json_file(table))));
  return of_pass;
}

json::object list_identity(json::object of_pass, const recipe_list_job& list) {
  json::array jobs;
  for (const engine::job& j : list.jobs) jobs.push_back(json::array{j.weight, j.activation, j.calibration});
  of_pass["configuration"] = configuration_hash(list.config);
  of_pass["formats"] = common::xxhash64_text(json::serialize(jobs));
  return of_pass;
}

}  // namespace qgrain::sweep
