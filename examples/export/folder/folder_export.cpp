#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <export/folder/container.hpp>
#include <export/folder/folder_export.hpp>
#include <export/folder/shard_writer.hpp>
#include <export/folder/source_folder.hpp>
#include <export/folder/staged_folder.hpp>
#include <export/plan/plan_report.hpp>

#include <qgrain/version.hpp>

namespace qgrain::exports {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// All that the bytes depend on.
std::string job_text(const folder_plan& plan, const source_folder& source) {
  json::array ranges;
  for (const auto& coding : plan.codings) ranges.push_back(coding ? json::value(coding->input_amax) : json::value());
  return common::json_text(json::object{{"qgrain", {version_major, version_minor, version_patch}},
                                        {"untie", plan.settings.untie},
                                        {"plan", plan_json(plan.table)},
                                        {"input_amax", std::move(ranges)},
                                        {"sources", source.state()}});
}

void untie(json::object& config) {
  constexpr const char* key = "tie_word_embeddings";
  json::value* text = config.if_contains("text_config");
  const bool has_text = text != nullptr && text->is_object();
  if (has_text && text->get_object().contains(key)) text->get_object()[key] = false;
  if (!has_text || config.contains(key)) config[key] = false;
}

void write_documents(const folder_plan& plan, const lm::model& model, const source_folder& source,
                     staged_folder& staged) {
  folder_metadata metadata = container_of(plan.settings.to).metadata_of(plan, model);
  json::object config = common::read_json_object(source.path() / "config.json");
  config.erase("quantization_config");  // null
  if (plan.settings.untie && plan.table.layers.back().linear.is_tied) untie(config);
  config["quantization_config"] = std::move(metadata.quantization_config);
  common::write_text_file(staged.place_of("config.json"), common::json_text(config) + "\n");
  if (metadata.hf_quant_config.empty()) return;
  common::write_text_file(staged.place_of("hf_quant_config.json"), common::json_text(metadata.hf_quant_config) + "\n");
}

}  // namespace

std::int64_t write_folder(const lm::model& model, const folder_plan& plan, const fs::path& out, thread_pool& pool,
                          bool resume) {
  plan.table.refusals.raise(out.string());
  const source_folder source(model);
  staged_folder staged(out, job_text(plan, source), resume);
  const std::vector<float> ranges = weight_ranges(model, plan, pool);
  json::object weight_map;
  std::int64_t bytes = 0;
  for (const lm::safetensors_file& shard : model.tensors().files()) {
    const std::vector<shard_tensor> tensors = shard_tensors_of(model, plan, shard);
    const fs::path name = fs::path(shard.path()).filename();
    for (const shard_tensor& tensor : tensors) {
      weight_map[tensor.out.name] = name.string();
      bytes += tensor.out.bytes;
    }
    const bool is_written = staged.holds(name);
    const fs::path place = staged.place_of(name);
    if (!is_written) write_shard(shard, plan, tensors, ranges, place, pool);
  }
  const std::vector<lm::safetensors_file>& shards = model.tensors().files();
  if (shards.size() > 1 || fs::path(shards.front().path()).filename() != "model.safetensors") {
    const json::object index{{"metadata", {{"total_size", bytes}}}, {"weight_map", std::move(weight_map)}};
    common::write_text_file(staged.place_of("model.safetensors.index.json"), common::json_text(index) + "\n");
  }
  write_documents(plan, model, source, staged);
  for (const fs::path& name : source.other_files()) source.copy(name, staged.place_of(name));
  source.require_unchanged();
  staged.commit();
  return bytes;
}

}  // namespace qgrain::exports
