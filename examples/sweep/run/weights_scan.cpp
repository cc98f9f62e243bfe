#include <lm/division.hpp>
#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_weights.hpp>
#include <sweep/run/weights_scan.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <sstream>
#include <tuple>

namespace qgrain::sweep {
namespace {

constexpr std::size_t portion_bytes = std::size_t{1} << 20;
constexpr std::int64_t end_bytes = 4096;  // of a tensor's beginning and end

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

using scanned_tensor = weights_scan::scanned_tensor;

void add_head(common::xxhash64& hash, const lm::tensor_info& tensor) {
  hash.add_text(tensor.name);
  hash.add_text(lm::name_of(tensor.type));
  hash.add_text(lm::shape_text(tensor.shape));
}

void add_head(common::xxhash64& hash, const lm::gguf_tensor& tensor) {
  hash.add_text(tensor.name);
  hash.add_text(tensor.type->name);
  hash.add_text(lm::shape_text(tensor.shape));
}

scanned_tensor scan(const lm::safetensors_file& file, const lm::tensor_info& tensor) {
  scanned_tensor found{tensor.name, 0, 0};
  common::xxhash64 hash;
  add_head(hash, tensor);
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

void add_ends(common::xxhash64& hash, const lm::safetensors_file& file, const lm::tensor_info& tensor) {
  add_head(hash, tensor);
  const std::int64_t size = tensor.end - tensor.begin;
  std::vector<std::byte> part(static_cast<std::size_t>(std::min(end_bytes, size)));
  if (part.empty()) return;
  for (const std::int64_t at : {std::int64_t{0}, size - static_cast<std::int64_t>(part.size())}) {
    file.read_bytes(tensor, at, part);
    hash.add(part);
  }
}

void add_ends(common::xxhash64& hash, const lm::gguf_weights& weights, const lm::gguf_tensor& tensor) {
  add_head(hash, tensor);
  const std::int64_t blocks = tensor.bytes / tensor.type->bytes;
  const std::int64_t count = std::min(blocks, std::max<std::int64_t>(end_bytes / tensor.type->bytes, 1));
  std::vector<std::byte> part(static_cast<std::size_t>(count * tensor.type->bytes));
  if (part.empty()) return;
  for (const std::int64_t block : {std::int64_t{0}, blocks - count}) {
    weights.file().read_bytes(tensor, block * tensor.type->bytes, part);
    hash.add(part);
  }
}

std::int64_t non_finite_values(std::span<const float> values) {
  return count_of_exponent<std::uint32_t>(std::as_bytes(values), 0x7F800000U);
}

// A tensor of a GGUF file: its bytes, and the values of those that the model has.
scanned_tensor scan(const lm::gguf_weights& weights, const lm::gguf_tensor& tensor) {
  const std::string name = lm::hugging_face_name_of(lm::family_of(weights.file()), tensor.name);
  scanned_tensor found{name, 0, 0};
  common::xxhash64 hash;
  add_head(hash, tensor);
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

}  // namespace

weights_scan::weights_scan(const lm::model& model) : model_(model) {
  for (const lm::safetensors_file& file : model.tensors().files()) {
    for (const lm::tensor_info& t : file.tensors()) {
      tensors_.push_back({t.end - t.begin, [&file, &t] { return scan(file, t); },
                          [&file, &t](common::xxhash64& hash) { sweep::add_ends(hash, file, t); }});
    }
  }
  if (const lm::gguf_weights* gguf = model.tensors().gguf()) {
    for (const lm::gguf_tensor& t : gguf->file().tensors()) {
      tensors_.push_back({t.bytes, [gguf, &t] { return scan(*gguf, t); },
                          [gguf, &t](common::xxhash64& hash) { sweep::add_ends(hash, *gguf, t); }});
    }
  }
  found_.resize(tensors_.size());
  end_ = tensors_.size();
}

void weights_scan::read(thread_pool& pool, common::communicator* ranks) {
  if (common::is_divided(ranks)) {
    std::vector<std::int64_t> sizes;
    common::xxhash64 ends;
    for (const tensor& t : tensors_) {
      sizes.push_back(t.bytes);
      t.add_ends(ends);
    }
    ends_ = ends.text();
    const std::vector<lm::index_t> bounds = lm::divide(sizes, ranks->size());
    const auto rank = static_cast<std::size_t>(ranks->rank());
    begin_ = static_cast<std::size_t>(bounds[rank]);
    end_ = static_cast<std::size_t>(bounds[rank + 1]);
  }
  pool.run(static_cast<lm::index_t>(end_ - begin_), [&](lm::index_t i) {
    const std::size_t t = begin_ + static_cast<std::size_t>(i);
    found_[t] = tensors_[t].read();
  });
}

json::value weights_scan::share() const {
  json::array found;
  for (std::size_t t = begin_; t < end_; ++t) found.push_back({found_[t].name, found_[t].hash, found_[t].non_finite});
  return json::object{{"ends", ends_}, {"begin", begin_}, {"tensors", std::move(found)}};
}

void weights_scan::add(const json::value& share) {
  const json::object* const of = share.if_object();
  if (of == nullptr || of->at("ends").as_string() != ends_) {
    differs_ = true;
    return;
  }
  auto t = json::value_to<std::size_t>(of->at("begin"));
  for (const json::value& found : of->at("tensors").as_array()) {
    found_.at(t++) = {json::value_to<std::string>(found.at(0)), json::value_to<std::uint64_t>(found.at(1)),
                      json::value_to<std::int64_t>(found.at(2))};
  }
}

std::string weights_scan::hash() const {
  if (differs_) return ends_;
  refuse_non_finite(model_, found_);
  std::vector<scanned_tensor> tensors = found_;
  std::sort(tensors.begin(), tensors.end(), [](const scanned_tensor& a, const scanned_tensor& b) {
    return std::tie(a.name, a.hash) < std::tie(b.name, b.hash);
  });
  common::xxhash64 hash;
  for (const scanned_tensor& t : tensors) hash.add(std::as_bytes(std::span(&t.hash, 1)));
  return hash.text();
}

std::string weights_hash(const lm::model& model, thread_pool& pool) {
  weights_scan scan(model);
  scan.read(pool);
  return scan.hash();
}

}  // namespace qgrain::sweep
