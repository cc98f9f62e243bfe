#include <lm/gguf/gguf_names.hpp>
#include <lm/gguf/gguf_writer.hpp>
#include <quantize/recipe.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/interop/ggml.hpp>

#include <algorithm>
#include <cmath>
#include <export/gguf/gguf_export.hpp>
#include <export/plan/finite_rows.hpp>
#include <export/plan/input_folds.hpp>
#include <memory>
#include <numbers>

namespace qgrain::exports {
namespace {

using lm::index_t;

// Elements per task: a few megabytes of float32.
constexpr std::int64_t portion_elements = std::int64_t{1} << 20;

struct rows_of_tensor {
  std::int64_t rows = 1;
  std::int64_t cols = 0;
};
rows_of_tensor matrix_of(const lm::gguf_tensor_plan& tensor) {
  rows_of_tensor m{1, tensor.shape.empty() ? 1 : tensor.shape.back()};
  for (std::size_t d = 0; d + 1 < tensor.shape.size(); ++d) m.rows *= tensor.shape[d];
  return m;
}

// E2M1 codes and their scale bytes in ggml's blocks. A second level of scales is the file's own tensor.
template <class Block>
std::vector<std::byte> blocks_of(const convert::tensor_parts& parts, std::int64_t rows) {
  const auto bytes_of = [&](const char* part) {
    const convert::host_tensor& tensor = parts.at(part);
    return std::span(tensor.data<std::uint8_t>(), tensor.bytes.size());
  };
  const auto is_nv = std::is_same_v<Block, interop::ggml_nvfp4>;
  const std::span<const std::uint8_t> codes = bytes_of("codes");
  interop::code_matrix matrix;
  matrix.shape = {rows, static_cast<std::int64_t>(codes.size()) / rows};
  matrix.kind = interop::code_kind::e2m1;
  matrix.group_size = is_nv ? 16 : 32;
  matrix.codes.assign(codes.begin(), codes.end());
  matrix.scales = {is_nv ? interop::scale_kind::e4m3 : interop::scale_kind::e8m0, bytes_of("scales")};
  const auto blocks = interop::ggml_weights<Block>::from_codes(matrix).blocks;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(blocks));
  return {bytes.begin(), bytes.end()};
}

// One tensor of the plan on its way into the file.
class tensor_task {
 public:
  tensor_task(const lm::model& model, const gguf_tensor_source& tensor, lm::gguf_writer& out, std::size_t number,
              thread_pool& pool)
      : model_(model), tensor_(tensor), out_(out), number_(number), pool_(pool), matrix_(matrix_of(tensor.out)) {
    if (!tensor.recipe.empty()) recipe_ = convert::find_recipe(tensor.recipe);
    // Rows that change places with each other stay together.
    const std::int64_t least = std::max<std::int64_t>(tensor.head_size, 1);
    rows_per_task_ =
        std::max<std::int64_t>(portion_elements / std::max<std::int64_t>(matrix_.cols, 1) / least, 1) * least;
  }

  /// Writes the tensor; of NVFP4, `scale` becomes the factor of its `.scale`.
  void run(float& scale) {
    if (is_nvfp4()) scale = choose_scale();
    for_each_portion([&](std::int64_t first, std::int64_t rows) {
      std::vector<float> values = read(first, rows);
      if (tensor_.out.type->elements > 1) require_finite(values, matrix_.cols, first, where());
      const std::vector<std::byte> bytes = code(std::move(values), rows);
      out_.write(number_, tensor_.out.type->bytes_of(first * matrix_.cols), bytes);
    });
  }

 private:
  [[nodiscard]] bool is_nvfp4() const { return tensor_.out.type->name == "NVFP4"; }
  [[nodiscard]] std::string where() const { return model_.tensors().name() + ": tensor \"" + tensor_.source + "\""; }

  [[nodiscard]] std::int64_t portions() const { return (matrix_.rows + rows_per_task_ - 1) / rows_per_task_; }
  template <class Body>
  void for_each_portion(const Body& body) {
    pool_.run(static_cast<index_t>(portions()), [&](index_t p) {
      const std::int64_t first = p * rows_per_task_;
      body(first, std::min(rows_per_task_, matrix_.rows - first));
    });
  }

  // Rows in the file's order. Those of a head are permuted among themselves.
  [[nodiscard]] std::vector<float> read(std::int64_t first, std::int64_t rows) const {
    const auto cols = static_cast<std::size_t>(tensor_.out.shape.size() > 1 ? matrix_.cols : 1);
    const std::int64_t count = tensor_.out.shape.size() > 1 ? rows : matrix_.cols;  // a bias has a row per element
    std::vector<float> values(static_cast<std::size_t>(count) * cols);
    model_.tensors().read(tensor_.source, first * static_cast<std::int64_t>(cols), values);
    divide_columns(values, tensor_.divisors);
    for (std::size_t i = 0; i < tensor_.factors.size(); ++i) values[i] *= tensor_.factors[i];
    if (tensor_.head_size == 0) return values;
    std::vector<float> permuted(values.size());
    for (std::int64_t row = 0; row < count; ++row) {
      const auto to = static_cast<std::size_t>(lm::permuted_row(row, tensor_.head_size));
      std::copy_n(values.data() + static_cast<std::size_t>(row) * cols, cols, permuted.data() + to * cols);
    }
    return permuted;
  }

  [[nodiscard]] convert::quantized_tensor quantize(std::vector<float> values, std::int64_t rows,
                                                   const convert::tensor_parts& given) const {
    const convert::extents shape{rows, static_cast<std::int64_t>(values.size()) / rows};
    const convert::host_tensor in = convert::tensor_of(tensor_.type, shape, values);
    return recipe_->quantize({where(), tensor_.type, shape}, in, given, {});
  }

  [[nodiscard]] std::vector<std::byte> code(std::vector<float> values, std::int64_t rows) const {
    if (recipe_ == nullptr) {
      std::vector<std::byte> bytes(
          static_cast<std::size_t>(tensor_.out.type->bytes_of(static_cast<std::int64_t>(values.size()))));
      tensor_.out.type->encode(values, bytes.data());
      return bytes;
    }
    const convert::tensor_parts parts = quantize(std::move(values), rows, given_).parts;
    return is_nvfp4() ? blocks_of<interop::ggml_nvfp4>(parts, rows) : blocks_of<interop::ggml_mxfp4>(parts, rows);
  }

  // The recipe's scale of the whole tensor follows from the largest magnitude alone: a block of it gives that scale.
  float choose_scale() {
    std::vector<float> largest(static_cast<std::size_t>(portions()), 0.0F);
    for_each_portion([&](std::int64_t first, std::int64_t rows) {
      const std::vector<float> values = read(first, rows);
      require_finite(values, matrix_.cols, first, where());
      float& most = largest[static_cast<std::size_t>(first / rows_per_task_)];
      for (const float value : values) most = std::max(most, std::fabs(value));
    });
    const float absmax = largest.empty() ? 0.0F : *std::max_element(largest.begin(), largest.end());
    convert::tensor_parts parts = quantize(std::vector<float>(16, absmax), 1, {}).parts;
    const float stored = *parts.at("global_scale").data<float>();
    given_.emplace("global_scale", std::move(parts.at("global_scale")));
    const bool divides = tensor_.recipe.starts_with("ct_");
    return divides ? 1.0F / stored : stored;
  }

  const lm::model& model_;
  const gguf_tensor_source& tensor_;
  lm::gguf_writer& out_;
  std::size_t number_;
  thread_pool& pool_;
  rows_of_tensor matrix_;
  std::int64_t rows_per_task_ = 1;
  std::unique_ptr<convert::recipe> recipe_;
  convert::tensor_parts given_;
};

// Llama 3's scaling as divisors of the frequencies.
std::vector<float> rope_divisors(const lm::model_config& config) {
  const lm::rotation& rotation = config.rotations.front();
  const auto& s = std::get<lm::llama3_scaling>(rotation.scaling);
  std::vector<float> divisors;
  for (index_t i = 0; i < config.head_size / 2; ++i) {
    const double frequency =
        1.0 / std::pow(rotation.base, static_cast<double>(2 * i) / static_cast<double>(config.head_size));
    const double turns = s.original_positions * frequency / (2 * std::numbers::pi);
    divisors.push_back(static_cast<float>(1.0 / s.factor_of(turns)));
  }
  return divisors;
}

void copy_tensor(const lm::gguf_file& from, const gguf_tensor_source& tensor, lm::gguf_writer& to, std::size_t number) {
  constexpr std::int64_t portion = std::int64_t{1} << 22;
  const lm::gguf_tensor& stored = *from.find(tensor.out.name);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(portion, stored.bytes)));
  for (std::int64_t offset = 0; offset < stored.bytes; offset += portion) {
    const auto part = std::span(bytes).first(static_cast<std::size_t>(std::min(portion, stored.bytes - offset)));
    from.read_bytes(stored, offset, part);
    to.write(number, offset, part);
  }
}

}  // namespace

std::int64_t write_gguf(const lm::model& model, const export_plan& plan, const gguf_settings& settings,
                        const std::filesystem::path& out, thread_pool& pool) {
  plan.refusals.raise(out.string());
  const std::vector<gguf_tensor_source> tensors = gguf_tensors_of(model, plan, settings);
  std::vector<lm::gguf_tensor_plan> planned;
  for (const gguf_tensor_source& tensor : tensors) planned.push_back(tensor.out);
  lm::gguf_writer writer(out, gguf_keys_of(model, tensors, settings), planned);
  float scale = 0;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    if (tensors[t].copied) {
      copy_tensor(model.tensors().gguf()->file(), tensors[t], writer, t);
    } else if (tensors[t].source.empty()) {
      const std::vector<float> divisors = rope_divisors(model.config());
      writer.write(t, 0, std::as_bytes(std::span(divisors)));
    } else if (tensors[t].out.name.ends_with(".scale")) {
      writer.write(t, 0, std::as_bytes(std::span(&scale, 1)));
    } else {
      tensor_task(model, tensors[t], writer, t, pool).run(scale);
    }
  }
  writer.finish();
  return writer.size();
}

}  // namespace qgrain::exports
