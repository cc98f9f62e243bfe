// qgrain-quantize: quantize, inspect and decode tensors of a safetensors file with a named recipe.
#include <common/command_line.hpp>
#include <quantize/containers.hpp>
#include <quantize/convert.hpp>
#include <quantize/reports.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/instruction_set.hpp>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <thread>

namespace {

using namespace qgrain;
using namespace qgrain::convert;

struct options {
  std::string in;
  std::string recipe;
  std::string tensors = "*";
  std::string given;
  std::string out;
  std::string shape;
  std::string type;
  bool decode = false;
  bool list = false;
  bool stats = false;
  bool json = false;
  bool allow_non_finite = false;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
};

// "7x96" or "7,96"
extents parse_shape(const std::string& text) {
  extents shape;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("x,", begin), text.size());
    std::int64_t extent = 0;
    const auto [stop, fault] = std::from_chars(text.data() + begin, text.data() + end, extent);
    if (fault != std::errc{} || stop != text.data() + end || extent < 0 || extent > (std::int64_t{1} << 40)) {
      throw error(errc::invalid_argument, "--shape: \"" + text + "\" is no shape such as 7x96");
    }
    shape.push_back(extent);
    begin = end + 1;
  }
  return shape;
}

dtype parse_type(const std::string& text) {
  for (const dtype type : {dtype::f32, dtype::bf16, dtype::f16}) {
    if (text == lm::name_of(type)) return type;
  }
  throw error(errc::invalid_argument, "--dtype: \"" + text + "\" is none of F32, BF16, F16");
}

void run(const options& o) {
  if (o.list && o.in.empty()) return list_catalogue(std::cout, o.recipe, o.json);
  if (o.list) {
    if (!is_container(o.in))
      throw error(errc::invalid_argument, o.in + ": --list --in shows the weights of a model folder or a GGUF file");
    return list_container(std::cout, o.in, o.tensors, o.json);
  }
  if (o.in.empty()) throw error(errc::invalid_argument, "--in FILE is needed (or --list)");
  if (o.recipe.empty() && !o.decode) throw error(errc::invalid_argument, "--recipe NAME is needed; --list shows them");
  if (o.out.empty() && !o.stats) {
    throw error(errc::invalid_argument, "--out FILE is needed, or --stats to look without writing");
  }
  if (o.decode && o.stats) throw error(errc::invalid_argument, "--stats compares with the input: not with --decode");
  if (o.decode && !o.given.empty()) throw error(errc::invalid_argument, "--given is for quantizing, not for --decode");
  convert_job job;
  job.in = o.in;
  job.recipe = o.recipe;
  job.tensors = o.tensors;
  job.given = o.given;
  job.out = o.out;
  job.stats = o.stats;
  job.decode = o.decode;
  job.threads = o.threads;
  job.values = o.allow_non_finite ? lm::non_finite::allowed : lm::non_finite::refused;
  if (!o.shape.empty()) job.shape = parse_shape(o.shape);
  if (!o.type.empty()) job.original_type = parse_type(o.type);
  print_reports(std::cout, convert_file(job), o.out, o.json);
}

}  // namespace

int main(int argc, char** argv) {
  common::command_line_parser line("Quantizes, inspects and decodes tensors of a safetensors file with a named recipe.",
                                   "qgrain-quantize");
  options o;
  line.text("--in", o.in, "safetensors file to read; to list and decode also a quantized model folder or a GGUF file");
  line.text("--recipe", o.recipe, "what to do: <family>[/<granularity>][/<option>...]; --list shows all");
  line.text("--tensor", o.tensors, "a tensor's name, or a shell pattern over names (default: all)");
  line.text("--given", o.given,
            "safetensors file with <tensor>.amax, .scales, .zero_points, .global_scale, .scale_zeros to use");
  line.text("--out", o.out, "safetensors file to write");
  const auto decode = line.flag("--decode", o.decode, "read codes (or packed bytes) and scales back to values");
  line.text("--shape", o.shape, "shape of the decoded tensors, such as 7x96, where the file does not say it")
      .needs(decode);
  line.text("--dtype", o.type, "type that the tensors had, F32, BF16 or F16, where the file does not say it")
      .needs(decode);
  line.flag("--stats", o.stats, "print error figures of each tensor");
  line.flag("--list", o.list,
            "print the catalogue of recipes (with --recipe: that one), or with --in how a model's weights are stored");
  line.flag("--json", o.json, "print JSON");
  line.flag("--allow-non-finite", o.allow_non_finite, "go on where a value or a scale is NaN or infinite");
  line.number("--threads", o.threads, "threads; results do not depend on it").between(1, 4096);
  if (const auto code = line.parse(argc, argv)) return *code;
  try {
    qgrain::chosen_instruction_set();  // one that the processor lacks is refused before any work
    run(o);
  } catch (const std::exception& failure) {
    std::cerr << "qgrain-quantize: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
