#include <common/file.hpp>
#include <common/json.hpp>
#include <quantize/chosen_names.hpp>
#include <quantize/containers.hpp>
#include <quantize/convert.hpp>
#include <quantize/recipe.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/version.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

namespace qgrain::convert {
namespace {

using lm::safetensors_file;
using lm::tensor_info;

constexpr std::string_view metadata_prefix = "qgrain:";

host_tensor read(const safetensors_file& file, const tensor_info& info) {
  if (lm::bytes_of(info.type) == 0) {
    throw error(errc::unsupported, file.path() + ": tensor \"" + info.name + "\" is " + text_of(info.type, info.shape) +
                                       ", a type whose elements are not read");
  }
  host_tensor tensor = make_tensor(info.type, info.shape);
  file.read_bytes(info, 0, tensor.bytes);
  return tensor;
}

std::string where_of(const safetensors_file& file, std::string_view name) {
  return file.path() + ": tensor \"" + std::string(name) + "\"";
}

/// Parts of `name` among those that can be parts of a tensor.
tensor_parts read_parts(const safetensors_file& file, const std::string& name, std::span<const std::string_view> of) {
  tensor_parts parts;
  for (const std::string_view part : of) {
    const tensor_info* info = file.find(name + "." + std::string(part));
    if (info != nullptr) parts.emplace(part, read(file, *info));
  }
  return parts;
}

constexpr std::array<std::string_view, 7> givable_parts{"amax",     "scales",      "zero_points", "global_scale",
                                                        "amax_fp8", "scale_zeros", "amax_int4"};
constexpr std::array<std::string_view, 10> stored_parts{
    "codes",        "packed",        "blocked",     "scales", "zero_points", "packed_zero_points",
    "global_scale", "double_scales", "scale_zeros", "shape"};
/// A tensor that can be decoded has one of these.
constexpr std::array<std::string_view, 3> coded_parts{"codes", "packed", "blocked"};

/// What the program wrote of a tensor that it quantized.
struct stored_note {
  std::string recipe;
  std::optional<dtype> type;
  std::optional<extents> shape;
};

std::optional<dtype> float_type(std::string_view name) {
  for (const dtype type : {dtype::f32, dtype::bf16, dtype::f16}) {
    if (name == lm::name_of(type)) return type;
  }
  return std::nullopt;
}

stored_note note_of(const safetensors_file& file, const std::string& name) {
  const auto found = file.metadata().find(std::string(metadata_prefix) + name);
  if (found == file.metadata().end()) return {};
  const std::string where = file.path() + ": metadata of \"" + name + "\"";
  const common::json_document document{where, common::parse_json(found->second, where)};
  const common::json_field fields(document);
  stored_note note{std::string(fields.at("recipe").string()), float_type(fields.at("dtype").string()), extents{}};
  for (const common::json_field& extent : fields.at("shape").elements()) {
    note.shape->push_back(extent.count());
  }
  return note;
}

std::string note_text(const std::string& recipe_name, const tensor_facts& facts) {
  return boost::json::serialize(
      boost::json::object{{"recipe", recipe_name},
                          {"dtype", lm::name_of(facts.type)},
                          {"shape", boost::json::array(facts.shape.begin(), facts.shape.end())}});
}

/// One tensor's way through the program.
struct task {
  std::string name;
  std::string recipe_name;
  const recipe* with = nullptr;
  tensor_facts facts;
  tensor_parts plan;
};

void require_other_file(const std::filesystem::path& out, const std::filesystem::path& in, const char* option) {
  std::error_code unknown;
  if (!in.empty() && (out == in || std::filesystem::equivalent(out, in, unknown))) {
    throw error(errc::invalid_argument,
                out.string() + ": --out is the file that " + option + " names; choose another one");
  }
}

/// The file under construction; it holds nothing where no output is wanted.
class output {
 public:
  output(const convert_job& job, const std::vector<task>& tasks) {
    if (job.out.empty()) return;
    std::vector<lm::tensor_plan> plan;
    std::map<std::string, std::string> metadata{
        {"qgrain",
         std::to_string(version_major) + "." + std::to_string(version_minor) + "." + std::to_string(version_patch)}};
    for (const task& t : tasks) {
      for (const auto& [part, tensor] : t.plan) plan.push_back({t.name + "." + part, tensor.type, tensor.shape});
      if (!job.decode) metadata[std::string(metadata_prefix) + t.name] = note_text(t.recipe_name, t.facts);
    }
    for (std::size_t i = 0; i < plan.size(); ++i) places_.emplace(plan[i].name, i);
    writer_.emplace(job.out, std::move(plan), metadata);
  }

  void write(const task& t, const tensor_parts& parts) {
    for (const auto& [part, planned] : t.plan) {
      const host_tensor& made = parts.at(part);
      if (made.type != planned.type || made.shape != planned.shape) {
        throw error(errc::unsupported, t.facts.where + ": recipe " + t.recipe_name + " made \"" + part + "\" as " +
                                           text_of(made.type, made.shape) + ", planned was " +
                                           text_of(planned.type, planned.shape));
      }
      if (writer_) writer_->write(places_.at(t.name + "." + part), 0, made.bytes);
    }
  }
  void finish() {
    if (writer_) writer_->finish();
  }

 private:
  std::optional<lm::safetensors_writer> writer_;
  std::map<std::string, std::size_t> places_;
};

error_sums measure(const std::vector<float>& x, const std::vector<float>& y) {
  // In pieces that are merged: short sums lose less.
  constexpr std::size_t piece = 1 << 16;
  error_sums total;
  for (std::size_t begin = 0; begin < x.size(); begin += piece) {
    error_sums part;
    for (std::size_t i = begin; i < std::min(begin + piece, x.size()); ++i) part.add(x[i], y[i]);
    total.merge(part);
  }
  return total;
}

std::int64_t stored_bytes(const tensor_parts& plan) {
  std::int64_t bytes = 0;
  for (const auto& [part, tensor] : plan) {
    const bool is_view =
        part == "dequant" || part == "middle" || part == "block_scales" || (part == "codes" && plan.contains("packed"));
    if (!is_view) bytes += element_count(tensor.shape) * lm::bytes_of(tensor.type);
  }
  return bytes;
}

tensor_parts read_given(const safetensors_file* given, const std::string& name) {
  if (given == nullptr) return {};
  tensor_parts parts = read_parts(*given, name, givable_parts);
  if (!parts.empty()) return parts;
  std::vector<std::string> there;
  for (const tensor_info& info : given->tensors()) there.push_back(info.name);
  throw error(errc::bad_file, given->path() + ": nothing is given for tensor \"" + name +
                                  "\": there is none of its parts " + join_names(givable_parts) +
                                  name_hint(name + ".scales", there));
}

std::vector<tensor_report> quantize_file(const convert_job& job) {
  const std::unique_ptr<recipe> with = find_recipe(job.recipe);
  const safetensors_file in(job.in);
  std::optional<safetensors_file> given;
  if (!job.given.empty()) given.emplace(job.given);
  const safetensors_file* given_file = given ? &*given : nullptr;
  std::vector<std::string> names;
  for (const tensor_info& info : in.tensors()) names.push_back(info.name);
  std::vector<task> tasks;
  for (const std::string& name : chosen_names(in.path(), job.tensors, names, "tensor")) {
    const tensor_info& info = in.at(name);
    task t{name, job.recipe, with.get(), {where_of(in, name), info.type, info.shape, job.values}, {}};
    t.plan = with->plan(t.facts, read_given(given_file, name));
    tasks.push_back(std::move(t));
  }
  for (const task& t : tasks) {
    const bool checked = job.values == lm::non_finite::refused && is_float(t.facts.type);
    if (checked) require_finite(t.facts, read(in, in.at(t.name)));
  }
  output out(job, tasks);
  thread_pool pool(job.threads);
  const run_settings settings{.where = pool, .count_clipped = job.stats};
  std::vector<tensor_report> reports;
  for (const task& t : tasks) {
    const host_tensor x = read(in, in.at(t.name));
    const quantized_tensor made = with->quantize(t.facts, x, read_given(given_file, t.name), settings);
    out.write(t, made.parts);
    tensor_report report{t.name, t.recipe_name, t.facts.type, t.facts.shape, stored_bytes(t.plan), {}, false};
    if (const host_tensor* values = find_part(made.parts, "dequant"); values != nullptr && job.stats) {
      report.errors = measure(floats_of(x), floats_of(*values));
      report.errors->clipped = made.clipped.value_or(0);
      report.clipped_known = made.clipped.has_value();
    }
    reports.push_back(std::move(report));
  }
  out.finish();
  return reports;
}

/// Names of tensors that have a coded part, in the order of the file.
std::vector<std::string> coded_names(const safetensors_file& file) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const tensor_info& info : file.tensors()) {
    const std::size_t dot = info.name.rfind('.');
    if (dot == std::string::npos) continue;
    const std::string_view part = std::string_view(info.name).substr(dot + 1);
    const bool coded = std::find(coded_parts.begin(), coded_parts.end(), part) != coded_parts.end();
    if (coded && seen.insert(info.name.substr(0, dot)).second) names.push_back(info.name.substr(0, dot));
  }
  return names;
}

tensor_facts facts_of(const convert_job& job, const safetensors_file& in, const std::string& name,
                      const stored_note& note) {
  tensor_facts facts{where_of(in, name), dtype::f32, {}, job.values};
  if (job.original_type) {
    facts.type = *job.original_type;
  } else if (note.type) {
    facts.type = *note.type;
  } else if (const tensor_info* scales = in.find(name + ".scales"); scales != nullptr && is_float(scales->type)) {
    facts.type = scales->type;
  }
  const tensor_info* codes = in.find(name + ".codes");
  if (job.shape) {
    facts.shape = *job.shape;
  } else if (note.shape) {
    facts.shape = *note.shape;
  } else if (codes != nullptr) {
    facts.shape = codes->shape;
  } else {
    throw error(errc::invalid_argument,
                facts.where + ": the shape is not known: there are neither codes nor metadata; say it with --shape");
  }
  return facts;
}

std::vector<tensor_report> decode_file(const convert_job& job) {
  std::map<std::string, std::unique_ptr<recipe>> recipes;
  const auto recipe_of = [&](const std::string& name) {
    std::unique_ptr<recipe>& entry = recipes[name];
    if (entry == nullptr) entry = find_recipe(name);
    return entry.get();
  };
  if (!job.recipe.empty()) (void)recipe_of(job.recipe);
  const safetensors_file in(job.in);
  const std::vector<std::string> names = coded_names(in);
  if (names.empty()) {
    throw error(errc::bad_file, in.path() +
                                    ": there is nothing to decode: no tensor is named <name>.codes, "
                                    "<name>.packed or <name>.blocked");
  }
  std::vector<task> tasks;
  for (const std::string& name : chosen_names(in.path(), job.tensors, names, "coded tensor")) {
    const stored_note note = note_of(in, name);
    task t{name, job.recipe.empty() ? note.recipe : job.recipe, nullptr, {}, {}};
    if (t.recipe_name.empty()) {
      throw error(
          errc::invalid_argument,
          where_of(in, name) + ": the recipe is not known: the file has no metadata of it; say it with --recipe");
    }
    t.with = recipe_of(t.recipe_name);
    t.facts = facts_of(job, in, name, note);
    const auto [part, type] = t.with->decoded_part();
    t.plan[part] = {type, t.facts.shape, {}};
    tasks.push_back(std::move(t));
  }
  output out(job, tasks);
  thread_pool pool(job.threads);
  const run_settings settings{.where = pool};
  std::vector<tensor_report> reports;
  for (const task& t : tasks) {
    tensor_parts values;
    values[t.plan.begin()->first] = t.with->decode(t.facts, read_parts(in, t.name, stored_parts), settings);
    out.write(t, values);
    reports.push_back({t.name, t.recipe_name, t.facts.type, t.facts.shape, 0, {}, false});
  }
  out.finish();
  return reports;
}

}  // namespace

std::vector<tensor_report> convert_file(const convert_job& job) {
  if (!job.out.empty()) {
    require_other_file(job.out, job.in, "--in");
    require_other_file(job.out, job.given, "--given");
    std::error_code unknown;
    if (std::filesystem::is_directory(job.out, unknown)) {
      throw error(errc::io_failure, job.out.string() + ": --out is a folder, where a file is needed");
    }
    (void)common::output_target(job.out);  // refused before anything is read
  }
  if (job.decode && is_container(job.in)) return decode_container(job);
  return job.decode ? decode_file(job) : quantize_file(job);
}

}  // namespace qgrain::convert
