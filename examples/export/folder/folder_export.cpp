#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <common/xxhash64.hpp>

#include <qgrain/version.hpp>

#include <algorithm>
#include <export/folder/container.hpp>
#include <export/folder/folder_export.hpp>
#include <export/folder/shard_writer.hpp>
#include <export/folder/source_folder.hpp>
#include <export/folder/staged_folder.hpp>
#include <export/plan/plan_report.hpp>
#include <map>

namespace qgrain::exports {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// Of all numbers that input scales have put into the plan.
std::string hash_of_scales(const folder_plan& plan) {
  std::string bytes;
  const auto add = [&](const std::vector<float>& values) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)) += ';';
  };
  for (const auto& coding : plan.codings) add(coding ? coding->column_divisors : std::vector<float>());
  for (const auto& coding : plan.codings) add(coding ? coding->row_factors : std::vector<float>());
  return common::xxhash64_text(bytes);
}

// All that the bytes depend on.
std::string job_text(const folder_plan& plan, const source_folder& source) {
  json::array ranges;
  for (const auto& coding : plan.codings) ranges.push_back(coding ? json::value(coding->input_amax) : json::value());
  return common::json_text(json::object{{"qgrain", {version_major, version_minor, version_patch}},
                                        {"untie", plan.settings.untie},
                                        {"plan", plan_json(plan.table)},
                                        {"input_amax", std::move(ranges)},
                                        {"input_scales", hash_of_scales(plan)},
                                        {"sources", source.state()}});
}

void untie(json::object& config) {
  constexpr const char* key = "tie_word_embeddings";
  json::value* text = config.if_contains("text_config");
  const bool has_text = text != nullptr && text->is_object();
  if (has_text && text->get_object().contains(key)) text->get_object()[key] = false;
  if (!has_text || config.contains(key)) config[key] = false;
}

struct planned_shard {
  const lm::safetensors_file* source;
  std::string name;
  std::vector<shard_tensor> tensors;
};

// Everything that the folder is to hold, but for what is copied.
struct folder_contents {
  std::vector<planned_shard> shards;
  std::map<std::string, std::string> documents;  // texts by file name
  std::int64_t bytes = 0;                        // of all tensors
};

folder_contents contents_of(const lm::model& model, const folder_plan& plan, const source_folder& source) {
  folder_contents contents;
  json::object weight_map;
  for (const lm::safetensors_file& shard : model.tensors().files()) {
    contents.shards.push_back(
        {&shard, fs::path(shard.path()).filename().string(), shard_tensors_of(model, plan, shard)});
    for (const shard_tensor& tensor : contents.shards.back().tensors) {
      weight_map[tensor.out.name] = contents.shards.back().name;
      contents.bytes += tensor.out.bytes;
    }
  }
  const auto add = [&](const std::string& name, const json::object& document) {
    contents.documents[name] = common::json_text(document) + "\n";
  };
  if (contents.shards.size() > 1 || contents.shards.front().name != "model.safetensors") {
    add("model.safetensors.index.json",
        {{"metadata", {{"total_size", contents.bytes}}}, {"weight_map", std::move(weight_map)}});
  }
  folder_metadata metadata = container_of(plan.settings.to).metadata_of(plan, model);
  json::object config = common::read_json_object(source.path() / "config.json");
  config.erase("quantization_config");  // a null
  if (plan.settings.untie && plan.table.layers.back().linear.is_tied) untie(config);
  config["quantization_config"] = std::move(metadata.quantization_config);
  add("config.json", config);
  if (!metadata.hf_quant_config.empty()) add("hf_quant_config.json", metadata.hf_quant_config);
  return contents;
}

bool has_text(const fs::path& path, const std::string& text) {
  return fs::is_regular_file(path) && common::read_text_file(path) == text;
}

// Whether a file has the tensors of a shard, by its header.
bool has_tensors(const fs::path& path, const planned_shard& shard) {
  if (!fs::is_regular_file(path)) return false;
  const lm::safetensors_file file(path);
  return file.tensors().size() == shard.tensors.size() &&
         std::all_of(shard.tensors.begin(), shard.tensors.end(), [&](const shard_tensor& tensor) {
           const lm::tensor_info* found = file.find(tensor.out.name);
           return found != nullptr && found->type == tensor.out.type && found->shape == tensor.out.shape;
         });
}

// A folder is renamed when it is whole, so that what it announces says whether it is this export's.
bool is_finished(const fs::path& out, const folder_contents& contents) {
  return std::all_of(contents.documents.begin(), contents.documents.end(),
                     [&](const auto& document) { return has_text(out / document.first, document.second); }) &&
         std::all_of(contents.shards.begin(), contents.shards.end(),
                     [&](const planned_shard& shard) { return has_tensors(out / shard.name, shard); });
}

}  // namespace

std::int64_t write_folder(const lm::model& model, const folder_plan& plan, const fs::path& out, thread_pool& pool,
                          bool resume) {
  plan.table.refusals.raise(out.string());
  const source_folder source(model);
  source.require_outside(out);
  const folder_contents contents = contents_of(model, plan, source);
  if (resume && fs::is_directory(out) && is_finished(out, contents)) return contents.bytes;
  staged_folder staged(out, job_text(plan, source), resume);
  const std::vector<float> ranges = weight_ranges(model, plan, pool);
  for (const planned_shard& shard : contents.shards) {
    const bool is_written = staged.holds(shard.name);
    const fs::path place = staged.place_of(shard.name);
    if (!is_written) write_shard(*shard.source, plan, shard.tensors, ranges, place, pool);
  }
  for (const auto& [name, text] : contents.documents) common::write_text_file(staged.place_of(name), text);
  for (const fs::path& name : source.other_files()) source.copy(name, staged.place_of(name));
  source.require_unchanged();
  staged.commit();
  return contents.bytes;
}

}  // namespace qgrain::exports
