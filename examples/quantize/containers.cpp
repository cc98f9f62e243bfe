#include <common/number_text.hpp>
#include <common/text_table.hpp>
#include <lm/checkpoint.hpp>
#include <lm/gguf/gguf_file.hpp>
#include <quantize/chosen_names.hpp>
#include <quantize/containers.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/host/parallel.hpp>

#include <boost/json.hpp>

#include <optional>
#include <ostream>
#include <span>
#include <string>

namespace qgrain::convert {
namespace {

constexpr index_t rows_per_read = 64;

const lm::weight_source& source_of(const lm::checkpoint& tensors) {
  if (const lm::weight_source* source = tensors.source()) return *source;
  throw error(errc::unsupported,
              tensors.name() + ": there are no coded weights: config.json has no quantization_config");
}

std::vector<std::string> chosen(const lm::checkpoint& tensors, const std::string& pattern) {
  return chosen_names(tensors.name(), pattern, source_of(tensors).names(), "coded weight");
}

void require_own_facts(const convert_job& job) {
  const char* option = !job.recipe.empty() ? "--recipe"
                       : job.shape         ? "--shape"
                       : job.original_type ? "--dtype"
                                           : nullptr;
  if (option == nullptr) return;
  throw error(errc::invalid_argument,
              std::string(option) + " is for safetensors files: " + job.in.string() + " says itself how it is coded");
}

}  // namespace

bool is_container(const std::filesystem::path& place) {
  std::error_code unknown;
  return std::filesystem::is_directory(place, unknown) || lm::is_gguf(place);
}

std::vector<tensor_report> decode_container(const convert_job& job) {
  require_own_facts(job);
  const lm::checkpoint tensors(job.in);
  const lm::weight_source& source = source_of(tensors);
  const std::vector<std::string> names = chosen(tensors, job.tensors);
  std::vector<lm::tensor_plan> plan;
  std::vector<tensor_report> reports;
  for (const std::string& name : names) {
    source.require_readable(name);
    const lm::tensor_info& info = *source.info_of(name);
    plan.push_back({name + ".dequant", dtype::f32, info.shape});
    const lm::stored_form form = source.form_of(name);
    reports.push_back({name, form.text, dtype::f32, info.shape, form.bytes, {}, false});
  }
  std::optional<lm::safetensors_writer> writer;
  if (!job.out.empty()) writer.emplace(job.out, plan);
  thread_pool pool(job.threads);
  for (std::size_t i = 0; i < names.size() && writer; ++i) {
    const shape2d shape{plan[i].shape.empty() ? 1 : plan[i].shape[0],
                        plan[i].shape.empty() ? 1 : element_count(plan[i].shape) / plan[i].shape[0]};
    for_each_chunk(pool, shape.rows, rows_per_read, [&](index_t begin, index_t end) {
      std::vector<float> values(static_cast<std::size_t>((end - begin) * shape.cols));
      source.read(names[i], begin * shape.cols, values);
      writer->write_elements<float>(i, begin * shape.cols, values);
    });
  }
  if (writer) writer->finish();
  return reports;
}

void list_container(std::ostream& out, const std::filesystem::path& place, const std::string& tensors, bool json) {
  const lm::checkpoint checkpoint(place);
  const lm::weight_source& source = source_of(checkpoint);
  std::vector<std::vector<std::string>> rows{{"weight", "shape", "stored as", "bits per element"}};
  boost::json::array list;
  for (const std::string& name : chosen(checkpoint, tensors)) {
    source.require_readable(name);
    const lm::tensor_info& info = *source.info_of(name);
    const lm::stored_form form = source.form_of(name);
    const double bits = 8.0 * static_cast<double>(form.bytes) / static_cast<double>(info.elements());
    rows.push_back({name, lm::shape_text(info.shape), form.text, common::formatted("%.4g", bits)});
    list.push_back(boost::json::object{{"weight", name},
                                       {"shape", boost::json::array(info.shape.begin(), info.shape.end())},
                                       {"stored_as", form.text},
                                       {"stored_bytes", form.bytes},
                                       {"bits_per_element", bits}});
  }
  if (json) {
    out << boost::json::serialize(list) << '\n';
  } else {
    common::print_table(out, rows);
  }
}

}  // namespace qgrain::convert
