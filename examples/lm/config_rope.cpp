// The kinds of RoPE scaling that config.json may name.
#include <common/number_text.hpp>
#include <lm/config_parts.hpp>

#include <array>
#include <cmath>
#include <optional>

namespace qgrain::lm {
namespace {

// What a kind of scaling reads: the model's fields, those of the scaling, the family's defaults.
struct rope_source {
  common::json_field config;
  common::json_field scaling;
  const rope_rule& rule;
  index_t size;
  double base;

  [[nodiscard]] double number(std::string_view key, double otherwise) const {
    const auto field = scaling.find(key);
    return field ? field->positive_number() : otherwise;
  }
  [[nodiscard]] double positions() const {
    if (const auto field = config.find("max_position_embeddings")) return field->positive_number();
    if (rule.positions == 0) return config.at("max_position_embeddings").positive_number();
    return static_cast<double>(rule.positions);
  }
};

rope_scaling read_default(const rope_source&) { return {}; }

rope_scaling read_linear(const rope_source& from) {
  return linear_scaling{from.scaling.at("factor").positive_number()};
}

rope_scaling read_dynamic(const rope_source& from) {
  if (from.size <= 2) from.scaling.fail(errc::unsupported, "is dynamic, which needs more than 2 rotated dimensions");
  return dynamic_scaling{from.scaling.at("factor").positive_number(), from.positions()};
}

// Attention grows by this where frequencies are divided by `factor`.
double yarn_magnitude(double factor, double scale) { return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1; }

rope_scaling read_yarn(const rope_source& from) {
  if (from.base <= 1) from.scaling.fail(errc::bad_file, "is yarn, which needs a rope_theta above 1");
  yarn_scaling s{};
  s.factor = from.scaling.at("factor").positive_number();
  s.original_positions = from.number("original_max_position_embeddings", from.positions());
  s.often = from.number("beta_fast", 32);
  s.rarely = from.number("beta_slow", 1);
  s.truncate = from.scaling.flag("truncate", true);
  const auto scale = from.scaling.find("mscale");
  const auto scale_of_all = from.scaling.find("mscale_all_dim");
  const bool is_ratio = scale && scale_of_all && scale->number() != 0 && scale_of_all->number() != 0;
  s.magnitude = from.number("attention_factor", is_ratio ? yarn_magnitude(s.factor, scale->number()) /
                                                               yarn_magnitude(s.factor, scale_of_all->number())
                                                         : yarn_magnitude(s.factor, 1));
  return s;
}

std::vector<float> divisors_of(const common::json_field& list, index_t count) {
  std::vector<float> divisors;
  for (const common::json_field& entry : list.elements())
    divisors.push_back(static_cast<float>(entry.positive_number()));
  if (static_cast<index_t>(divisors.size()) != count) {
    list.fail(errc::bad_file, "has " + std::to_string(divisors.size()) +
                                  " entries, where half of the rotated dimensions, " + std::to_string(count) +
                                  ", are needed");
  }
  return divisors;
}

// With an original context the factor is what it has grown by, else a key.
rope_scaling read_longrope(const rope_source& from) {
  longrope_scaling s{};
  s.short_divisors = divisors_of(from.scaling.at("short_factor"), from.size / 2);
  s.long_divisors = divisors_of(from.scaling.at("long_factor"), from.size / 2);
  constexpr std::string_view original = "original_max_position_embeddings";
  if (const auto field = from.config.find(original)) {
    s.original_positions = field->positive_number();
  } else {
    s.original_positions = static_cast<double>(from.rule.original_positions);
  }
  const bool has_grown = s.original_positions > 0;
  if (!has_grown) s.original_positions = from.positions();
  if (s.original_positions <= 1) from.config.at(original).must_be("above 1");
  const auto given = from.scaling.find("attention_factor");
  if (given) {
    s.magnitude = given->positive_number();
  } else {
    const double factor =
        has_grown ? from.positions() / s.original_positions : from.scaling.at("factor").positive_number();
    s.magnitude = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(s.original_positions));
  }
  return s;
}

rope_scaling read_llama3(const rope_source& from) {
  return llama3_scaling{from.scaling.at("factor").positive_number(),
                        from.scaling.at("low_freq_factor").positive_number(),
                        from.scaling.at("high_freq_factor").positive_number(),
                        from.scaling.at("original_max_position_embeddings").positive_number()};
}

struct rope_kind {
  std::string_view name;
  rope_scaling (*read)(const rope_source&);
};
constexpr std::array<rope_kind, 6> kinds{{{"default", read_default},
                                          {"linear", read_linear},
                                          {"dynamic", read_dynamic},
                                          {"yarn", read_yarn},
                                          {"longrope", read_longrope},
                                          {"llama3", read_llama3}}};

const rope_kind& kind_named(std::string_view name, const common::json_field& scaling) {
  std::array<std::string_view, kinds.size()> names;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k].name == name) return kinds[k];
    names[k] = kinds[k].name;
  }
  refuse_setting(scaling, not_supported("rope type", name, names));
}

// `rope_parameters` of transformers 5: the rotation of all layers, or one for each type of layer.
std::optional<common::json_field> parameters_of(const common::json_field& config, const rope_rule& rule,
                                                std::string_view layer_type) {
  const auto all = config.find("rope_parameters");
  if (!all) return all;
  const auto own = all->find(layer_type);
  if (own && rule.windowed_base.empty())
    own->fail(errc::unsupported, "is not supported: all layers of this architecture have one rotation");
  return own ? own : all;
}

// The base may stand in two places, which must agree.
double base_of(const common::json_field& config, const std::optional<common::json_field>& parameters,
               std::string_view key, double otherwise) {
  const auto inner = parameters ? parameters->find("rope_theta") : std::nullopt;
  const auto outer = config.find(key);
  if (inner && outer && inner->positive_number() != outer->positive_number()) {
    throw error(errc::bad_file, config.place() + ": " + std::string(key) + " is " +
                                    common::number_text(outer->number()) + " and " + inner->path() + " " +
                                    common::number_text(inner->number()));
  }
  return inner ? inner->positive_number() : outer ? outer->positive_number() : otherwise;
}

// Dimensions of a head that turn.
index_t rotated_size(const common::json_field& config, const std::optional<common::json_field>& parameters,
                     const model_config& out) {
  auto field = config.find("partial_rotary_factor");
  if (!field && parameters) field = parameters->find("partial_rotary_factor");
  const double share = field ? field->positive_number() : 1;
  if (!out.family.rope.partial) {
    if (share != 1) {
      refuse_setting(config, "partial_rotary_factor " + common::number_text(share) +
                                 " is not supported: every dimension of a head is rotated");
    }
    return out.head_size;
  }
  const auto size = static_cast<index_t>(std::min(share, 2.0) * static_cast<double>(out.head_size));
  if (size < 2 || size > out.head_size || size % 2 != 0) {
    field->fail(errc::bad_file, "rotates " + std::to_string(size) + " of the " + std::to_string(out.head_size) +
                                    " dimensions of a head, where an even number of them is needed");
  }
  return size;
}

}  // namespace

// `rope_scaling` of transformers 4; transformers 5 writes `rope_parameters`, which holds the base as well. Where a file
// has both, `rope_scaling` counts in either version.
void read_rotations(const common::json_field& config, model_config& out) {
  const rope_rule& rule = out.family.rope;
  const auto parameters = parameters_of(config, rule, "full_attention");
  rotation& all = out.rotations.emplace_back();
  all.base = base_of(config, parameters, "rope_theta", rule.base);
  all.size = rotated_size(config, parameters, out);
  const auto old_form = config.find("rope_scaling");
  if (const auto scaling = old_form ? old_form : parameters) {
    auto type = scaling->find("rope_type");
    if (!type) type = scaling->find("type");
    if (!type && (old_form || scaling->find("factor"))) scaling->fail(errc::bad_file, "lacks a rope_type");
    all.scaling =
        kind_named(type ? type->string() : "default", *scaling).read({config, *scaling, rule, all.size, all.base});
  }
  if (rule.windowed_base.empty()) return;
  const auto of_windows = parameters_of(config, rule, "sliding_attention");
  const bool is_own = of_windows && config.at("rope_parameters").find("sliding_attention");
  const double base =
      base_of(config, is_own ? of_windows : std::nullopt, rule.windowed_base, rule.windowed_base_missing);
  out.rotations.push_back({base, all.size, {}, {}});
}

}  // namespace qgrain::lm
