// A checkpoint of any size as a folder of compressed-tensors: time beside copying it and coding it, and memory.
//   export_bench FOLDER SCHEME THREADS [LAYERS]
// FOLDER is left with the model that was made there, in the shape of Qwen3-4B (36 layers, 8 GB), for the next run.
#include <common/process.hpp>
#include <lm/model.hpp>
#include <support/reported.hpp>
#include <support/synthetic_model.hpp>
#include <support/timing.hpp>

#include <cstdio>
#include <cstdlib>
#include <export/choices/choices.hpp>
#include <export/folder/folder_export.hpp>
#include <export/folder/shard_writer.hpp>
#include <export/folder/weight_coder.hpp>
#include <filesystem>

namespace {

namespace fs = std::filesystem;
using namespace qgrain;
using namespace qgrain::exports;

using bench::seconds_of;

qgrain::testing::synthetic_model shape_of_4b(std::int64_t layers) {
  return {layers, 2560, 9728, 151936, 32, 8, 128, 12};
}

// Coding alone, of weights in memory: the first block's, for all blocks.
double seconds_of_coding(const lm::model& model, const folder_plan& plan, thread_pool& pool) {
  double seconds = 0;
  const std::vector<float> ranges = weight_ranges(model, plan, pool);
  for (std::size_t l = 0; l < model.layout(0).linears.size(); ++l) {
    if (!plan.codings[l]) continue;
    const model_linear& linear = plan.table.layers[l].linear;
    std::vector<float> values(static_cast<std::size_t>(linear.elements()));
    model.tensors().read(linear.name + ".weight", 0, values);
    const weight_coder coder(linear, *plan.codings[l], linear.name, ranges[l]);
    constexpr std::int64_t rows = weight_coder::row_alignment;
    seconds += seconds_of([&] {
      pool.run(linear.rows / rows, [&](index_t band) {
        const auto first = static_cast<std::size_t>(band * rows * linear.cols);
        (void)coder.code(std::span<const float>(values).subspan(first, static_cast<std::size_t>(rows * linear.cols)),
                         band * rows);
      });
    });
  }
  return seconds * static_cast<double>(model.config().layers);
}

int run(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "export_bench FOLDER SCHEME THREADS [LAYERS]\n");
    return 1;
  }
  const fs::path folder = argv[1];
  const auto layers = argc > 4 ? std::atoll(argv[4]) : 36;
  const fs::path source = folder / ("model-" + std::to_string(layers));
  if (!fs::exists(source)) qgrain::testing::write_synthetic_model(shape_of_4b(layers), source);
  thread_pool pool(std::atoi(argv[3]));
  const lm::model model(source);
  const folder_plan plan = plan_folder(model, choices_of_scheme(model, argv[2], "fp16"), {target::compressed_tensors});
  const fs::path out = folder / "out";
  fs::remove_all(out);
  const double writing = seconds_of([&] { (void)write_folder(model, plan, out, pool); });
  const double resident = static_cast<double>(common::peak_resident_bytes());
  const double copying = seconds_of([&] {
    const std::string command = "cp -r '" + source.string() + "' '" + (folder / "copy").string() + "' && sync -f '" +
                                (folder / "copy").string() + "'";
    if (std::system(command.c_str()) != 0) std::fprintf(stderr, "cp failed\n");
  });
  fs::remove_all(folder / "copy");
  fs::remove_all(out);
  const double coding = seconds_of_coding(model, plan, pool);
  std::printf(
      "| scheme | layers | threads | export | cp | coding alone | export / (cp + coding) | resident |\n"
      "|---|---|---|---|---|---|---|---|\n"
      "| %s | %lld | %s | %.1f s | %.1f s | %.1f s | %.2f | %.0f MB |\n",
      argv[2], static_cast<long long>(layers), argv[3], writing, copying, coding, writing / (copying + coding),
      resident / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::reported("export_bench", run, argc, argv); }
