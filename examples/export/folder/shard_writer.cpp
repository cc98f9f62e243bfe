#include <algorithm>
#include <cmath>
#include <export/folder/shard_writer.hpp>
#include <export/folder/tensor_piece.hpp>
#include <export/plan/finite_rows.hpp>
#include <export/plan/input_folds.hpp>
#include <functional>
#include <map>

namespace qgrain::exports {
namespace {

// Of one task: a few megabytes of float32, a few of bytes.
constexpr std::int64_t portion_elements = std::int64_t{1} << 20;
constexpr std::int64_t portion_bytes = std::int64_t{1} << 23;

std::int64_t rows_per_portion(const model_linear& linear) {
  constexpr std::int64_t step = weight_coder::row_alignment;
  return std::max<std::int64_t>(portion_elements / std::max<std::int64_t>(linear.cols, 1) / step, 1) * step;
}

struct row_portion {
  std::size_t linear;
  std::int64_t first;
  std::int64_t rows;
};

void add_portions(const model_linear& linear, std::size_t number, std::vector<row_portion>& portions) {
  const std::int64_t step = rows_per_portion(linear);
  for (std::int64_t first = 0; first < linear.rows; first += step)
    portions.push_back({number, first, std::min(step, linear.rows - first)});
}

// The checkpoint's tensor of a Linear's weight; a tied head's is the embedding.
std::string source_of(const lm::model& model, const model_linear& linear) {
  return linear.is_tied ? std::string(model.config().family.tensor_prefix) + "embed_tokens.weight"
                        : linear.name + ".weight";
}

class shard_job {
 public:
  shard_job(const lm::safetensors_file& source, const folder_plan& plan, std::span<const shard_tensor> tensors,
            std::span<const float> ranges, const std::filesystem::path& out)
      : source_(source), plan_(plan), tensors_(tensors), writer_(out, plans_of(tensors), metadata_of(source)) {
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      if (!tensors[t].linear) {
        add_copies(t);
        continue;
      }
      const std::size_t l = *tensors[t].linear;
      auto& coded = coded_[l];
      coded.tensors.push_back(t);
      if (coded.coder) continue;
      coded.coder.emplace(linear_of(l), coding_of(l), where(*tensors[t].source), ranges[l]);
      add_portions(linear_of(l), l, portions_);
    }
  }

  void run(thread_pool& pool) {
    const auto copies = static_cast<index_t>(copies_.size());
    pool.run(copies + static_cast<index_t>(portions_.size()), [&](index_t task) {
      if (task < copies) {
        copy(copies_[static_cast<std::size_t>(task)]);
      } else {
        code(portions_[static_cast<std::size_t>(task - copies)]);
      }
    });
    writer_.finish();
  }

 private:
  struct byte_portion {
    std::size_t tensor;
    std::int64_t offset;
    std::int64_t bytes;
  };
  struct coded_linear {
    std::optional<weight_coder> coder;
    std::vector<std::size_t> tensors;
  };

  static std::vector<lm::tensor_plan> plans_of(std::span<const shard_tensor> tensors) {
    std::vector<lm::tensor_plan> plans;
    for (const shard_tensor& t : tensors) plans.push_back({t.out.name, t.out.type, t.out.shape});
    return plans;
  }
  static std::map<std::string, std::string> metadata_of(const lm::safetensors_file& source) {
    std::map<std::string, std::string> metadata = source.metadata();
    metadata["format"] = "pt";  // which transformers asks for
    return metadata;
  }

  [[nodiscard]] const model_linear& linear_of(std::size_t l) const { return plan_.table.layers[l].linear; }
  [[nodiscard]] const layer_coding& coding_of(std::size_t l) const { return *plan_.codings[l]; }
  [[nodiscard]] std::string where(const lm::tensor_info& tensor) const {
    return source_.path() + ": tensor \"" + tensor.name + "\"";
  }

  void add_copies(std::size_t t) {
    const std::int64_t bytes = tensors_[t].out.bytes;
    if (tensors_[t].factors != nullptr) return copies_.push_back({t, 0, bytes});
    for (std::int64_t offset = 0; offset < bytes; offset += portion_bytes)
      copies_.push_back({t, offset, std::min(portion_bytes, bytes - offset)});
  }

  void copy(const byte_portion& portion) {
    if (tensors_[portion.tensor].factors != nullptr) return multiply(portion.tensor);
    std::vector<std::byte> bytes(static_cast<std::size_t>(portion.bytes));
    source_.read_bytes(*tensors_[portion.tensor].source, portion.offset, bytes);
    writer_.write(portion.tensor, portion.offset, bytes);
  }

  void multiply(std::size_t t) {
    std::vector<float> values = *tensors_[t].factors;
    std::vector<float> weight(values.size());
    source_.read_f32(*tensors_[t].source, 0, weight);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= weight[i];
    writer_.write(t, 0, std::as_bytes(std::span<const float>(values)));
  }

  void code(const row_portion& portion) {
    const model_linear& linear = linear_of(portion.linear);
    const coded_linear& coded = coded_.at(portion.linear);
    const lm::tensor_info& source = *tensors_[coded.tensors.front()].source;
    std::vector<float> values(static_cast<std::size_t>(portion.rows * linear.cols));
    source_.read_f32(source, portion.first * linear.cols, values);
    require_finite(values, linear.cols, portion.first, where(source));
    divide_columns(values, coding_of(portion.linear).column_divisors);
    const coded_rows rows = coded.coder->code(values, portion.first);
    for (const std::size_t t : coded.tensors) {
      const tensor_piece piece =
          piece_of(tensors_[t].out, linear, coding_of(portion.linear), *coded.coder, rows, portion.first);
      writer_.write(t, piece.offset, piece.bytes);
    }
  }

  const lm::safetensors_file& source_;
  const folder_plan& plan_;
  std::span<const shard_tensor> tensors_;
  lm::safetensors_writer writer_;
  std::map<std::size_t, coded_linear> coded_;
  std::vector<byte_portion> copies_;
  std::vector<row_portion> portions_;
};

}  // namespace

std::vector<float> weight_ranges(const lm::model& model, const folder_plan& plan, thread_pool& pool) {
  std::vector<row_portion> portions;
  for (std::size_t l = 0; l < plan.codings.size(); ++l) {
    if (plan.codings[l] && plan.codings[l]->format.has_tensor_range())
      add_portions(plan.table.layers[l].linear, l, portions);
  }
  std::vector<float> largest(portions.size(), 0.0F);
  pool.run(static_cast<index_t>(portions.size()), [&](index_t p) {
    const row_portion& portion = portions[static_cast<std::size_t>(p)];
    const model_linear& linear = plan.table.layers[portion.linear].linear;
    const std::string source = source_of(model, linear);
    std::vector<float> values(static_cast<std::size_t>(portion.rows * linear.cols));
    model.tensors().read(source, portion.first * linear.cols, values);
    require_finite(values, linear.cols, portion.first, model.tensors().name() + ": tensor \"" + source + "\"");
    divide_columns(values, plan.codings[portion.linear]->column_divisors);
    for (const float v : values)
      largest[static_cast<std::size_t>(p)] = std::max(largest[static_cast<std::size_t>(p)], std::fabs(v));
  });
  std::vector<float> own(plan.codings.size(), 0.0F);
  for (std::size_t p = 0; p < portions.size(); ++p) {
    float& range = own[portions[p].linear];
    range = std::max(range, largest[p]);
  }
  std::vector<float> ranges = own;
  for (std::size_t l = 0; l < plan.codings.size(); ++l) {
    if (!plan.codings[l]) continue;
    for (const std::size_t other : plan.codings[l]->shares_range_with) ranges[l] = std::max(ranges[l], own[other]);
  }
  return ranges;
}

void write_shard(const lm::safetensors_file& source, const folder_plan& plan, std::span<const shard_tensor> tensors,
                 std::span<const float> ranges, const std::filesystem::path& out, thread_pool& pool) {
  shard_job(source, plan, tensors, ranges, out).run(pool);
}

}  // namespace qgrain::exports
