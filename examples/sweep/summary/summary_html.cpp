#include <common/file.hpp>
#include <common/json_text.hpp>
#include <sweep/summary/page_parts.hpp>
#include <sweep/summary/summary_files.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace qgrain::sweep {
namespace {

// The data of the page: JSON without blanks, few digits, and no "<", so that no name can end the script element.
class payload_writer {
 public:
  [[nodiscard]] std::string take() && { return std::move(out_); }

  void raw(std::string_view text) { out_ += text; }

  void text(std::string_view value) {
    for (const char c : json::serialize(json::string(value))) {
      if (c == '<') {
        out_ += "\\u003c";
      } else {
        out_ += c;
      }
    }
  }

  template <class Integer>
  void integer(Integer value) {
    out_ += std::to_string(value);
  }

  void number(double value, int digits) {
    if (value == 0) {
      out_ += '0';
      return;
    }
    std::array<char, 32> buffer{};
    const auto end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, digits).ptr;
    out_.append(buffer.data(), end);
  }

  template <class Range, class Write>
  void list(const Range& range, const Write& write) {
    out_ += '[';
    bool first = true;
    for (const auto& item : range) {
      if (!first) out_ += ',';
      first = false;
      write(item);
    }
    out_ += ']';
  }

  void key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    text(name);
    out_ += ':';
  }

  void texts(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    list(values, [&](const std::string& value) { text(value); });
  }

 private:
  std::string out_;
};

constexpr int score_digits = 4;
constexpr int total_digits = 6;

void write_layer(payload_writer& out, const std::vector<std::string>& kinds, const summary_layer& layer) {
  const auto kind = std::find(kinds.begin(), kinds.end(), layer.place.kind) - kinds.begin();
  out.raw("[");
  out.integer(layer.model);
  out.raw(",");
  out.text(layer.shape.name);
  out.raw(",");
  out.integer(kind);
  out.raw(",");
  if (layer.place.depth) {
    out.integer(*layer.place.depth);
  } else {
    out.raw("null");
  }
  out.raw(",");
  out.integer(layer.shape.out);
  out.raw(",");
  out.integer(layer.shape.in);
  out.raw("]");
}

// A list with a value for each layer, or one value where all layers have the same.
template <class Member>
void write_members(payload_writer& out, const summary_job& job, Member member, int digits) {
  const std::optional<layer_result>& first = job.layers.front();
  const bool is_constant = std::all_of(job.layers.begin(), job.layers.end(), [&](const auto& layer) {
    return layer && first && (*layer).*member == (*first).*member;
  });
  const auto write = [&](const std::optional<layer_result>& layer) {
    if (layer) {
      out.number(static_cast<double>((*layer).*member), digits);
    } else {
      out.raw("null");
    }
  };
  if (is_constant) {
    write(first);
  } else {
    out.list(job.layers, write);
  }
}

void write_job(payload_writer& out, const summary_job& job) {
  const auto text = [&](std::string_view name, std::string_view value) {
    out.key(name);
    out.text(value);
  };
  const auto number = [&](std::string_view name, const std::optional<double>& value) {
    out.key(name);
    if (value) {
      out.number(*value, total_digits);
    } else {
      out.raw("null");
    }
  };
  const auto flag = [&](std::string_view name, bool value) {
    out.key(name);
    out.raw(value ? "true" : "false");
  };
  out.raw("{");
  text("label", job.label);
  text("pair", job.pair);
  text("granularity", job.granularity);
  text("variant", job.variant);
  text("folder", job.folder);
  text("weight", job.weight);
  text("activation", job.activation);
  out.key("model");
  out.integer(job.model);
  out.key("family");
  out.integer(job.family);
  out.key("reference");
  out.integer(job.reference);
  flag("effect", job.has_effect);
  flag("front", job.is_on_front);
  flag("satisfied", job.is_satisfied);
  number("score", job.score);
  number("ratio", job.ratio);
  number("perWeight", job.bits_per_weight());
  number("bytes", job.bytes());
  number("nominal", job.nominal_bits);
  number("target", job.target_bits);
  number("effective", job.effective_bits);
  number("mixScore", job.mix_score);
  number("loss", job.loss);
  if (!job.layers.empty()) {
    out.key("scores");
    out.list(job.layers, [&](const std::optional<layer_result>& layer) {
      if (layer) {
        out.number(layer->score, score_digits);
      } else {
        out.raw("null");
      }
    });
    out.key("bits");
    write_members(out, job, &layer_result::bits, score_digits);
    out.key("chosen");
    write_members(out, job, &layer_result::chosen, total_digits);
  }
  out.raw("}");
}

std::string payload(const sweep_summary& summary) {
  std::vector<std::string> kinds;
  for (const summary_layer& layer : summary.layers) {
    if (std::find(kinds.begin(), kinds.end(), layer.place.kind) == kinds.end()) kinds.push_back(layer.place.kind);
  }
  std::vector<std::string> models;
  for (const summary_model& model : summary.models) models.push_back(model.id);
  payload_writer out;
  out.raw("{");
  out.key("program");
  out.text(summary.program);
  out.texts("models", models);
  out.texts("kinds", kinds);
  out.texts("formats", summary.formats);
  out.key("layers");
  out.list(summary.layers, [&](const summary_layer& layer) { write_layer(out, kinds, layer); });
  out.key("jobs");
  out.list(summary.jobs, [&](const summary_job& job) { write_job(out, job); });
  out.key("skipped");
  out.list(summary.skipped, [&](const skipped_job& job) {
    out.list(std::array{job.label, job.reason}, [&](const std::string& value) { out.text(value); });
  });
  out.raw("}");
  return std::move(out).take();
}

// Appends `page` up to `mark`, which it then begins behind.
void append_until(std::string& out, std::string_view& page, std::string_view mark) {
  const std::size_t at = page.find(mark);
  if (at == std::string_view::npos) throw error(errc::bad_file, "the report page lacks " + std::string(mark));
  out += page.substr(0, at);
  page.remove_prefix(at + mark.size());
}

}  // namespace

std::string summary_html(const sweep_summary& summary) {
  std::string out;
  std::string_view page = page_html;
  append_until(out, page, "@style@");
  out += page_css;
  append_until(out, page, "@data@");
  out += payload(summary);
  append_until(out, page, "@script@");
  out += page_js;
  out += page;
  return out;
}

void write_summary(const sweep_summary& summary, const std::filesystem::path& folder) {
  // All texts first: a fault leaves no half set of files.
  const std::string as_json = common::json_text(summary_json(summary)) + "\n";
  const std::string as_html = summary_html(summary);
  std::set<std::string> folders;
  for (const summary_job& job : summary.jobs) folders.insert(job.folder);
  for (const std::string& of_jobs : folders)
    common::write_text_file(folder / of_jobs / layer_csv_name, layer_csv(summary, of_jobs));
  common::write_text_file(folder / summary_json_name, as_json);
  common::write_text_file(folder / summary_csv_name, summary_csv(summary));
  common::write_text_file(folder / summary_scores_csv_name, scores_csv(summary));
  common::write_text_file(folder / summary_markdown_name, summary_markdown(summary));
  common::write_text_file(folder / summary_html_name, as_html);
}

}  // namespace qgrain::sweep
