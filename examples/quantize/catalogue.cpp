// Names to recipes.
#include <quantize/coded_description.hpp>
#include <quantize/coded_family.hpp>
#include <quantize/coded_recipe.hpp>
#include <quantize/granularity.hpp>
#include <quantize/other_recipes.hpp>
#include <quantize/recipe.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace qgrain::convert {
namespace {

template <class Visit>
void for_each_family(const Visit& visit) {
  const std::array lists{modelopt_fake_families(),      modelopt_narrow_families(),
                         modelopt_mx_families(),        modelopt_packed_families(),
                         modelopt_exported_families(),  nvfp4_families(),
                         torchao_mx_families(),         torchao_int8_families(),
                         torchao_int4_families(),       fp8_families(),
                         compressed_tensors_families(), onnx_families()};
  for (const auto& families : lists) {
    for (const coded_family& family : families) visit(family);
  }
}

/// "family/granularity/options" taken apart.
struct name_parts {
  std::string family;       ///< with the options, as families are named
  std::string granularity;  ///< empty where none is named
};

name_parts take_apart(std::string_view name) {
  std::vector<std::string> segments;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    segments.emplace_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  name_parts parts{segments.front(), ""};
  std::size_t next = 1;
  if (segments.size() > 2 && parse_granularity(segments[1] + "/" + segments[2])) {
    parts.granularity = segments[1] + "/" + segments[2];
    next = 3;
  } else if (segments.size() > 1 && parse_granularity(segments[1])) {
    parts.granularity = segments[1];
    next = 2;
  }
  for (; next < segments.size(); ++next) parts.family += "/" + segments[next];
  return parts;
}

std::unique_ptr<recipe> make_coded_recipe(std::string_view name) {
  const name_parts parts = take_apart(name);
  const coded_family* found = nullptr;
  for_each_family([&](const coded_family& family) {
    const bool other_name = !family.also.empty() && (name == family.also || parts.family == family.also);
    if (family.name == parts.family || other_name) found = &family;
  });
  if (found == nullptr) return nullptr;
  const std::string_view groups = parts.granularity.empty() ? found->usual : std::string_view(parts.granularity);
  if (groups.empty()) {
    throw error(errc::unknown_name, "recipe " + std::string(name) +
                                        " needs a granularity: per_tensor, per_out_channel, per_in_channel, per_token, "
                                        "group<N>, axis<K>, axis<K>/block<N> or tile<R>x<C>");
  }
  return std::make_unique<coded_recipe>(std::string(name), *found, *parse_granularity(groups));
}

/// What names are compared with to find the nearest.
std::vector<std::string> example_names() {
  std::vector<std::string> names;
  for_each_family([&](const coded_family& family) {
    const std::size_t slash = std::min(family.name.find('/'), family.name.size());
    const std::string stem(family.name.substr(0, slash));
    const std::string options(family.name.substr(slash));
    const auto add = [&](std::string_view groups) { names.push_back(stem + "/" + std::string(groups) + options); };
    if (!family.usual.empty()) names.emplace_back(family.name);
    if (!family.also.empty() && !family.usual.empty()) names.emplace_back(family.also);
    if (family.usual.empty()) {
      for (const std::string_view groups : {"per_tensor", "per_out_channel", "per_in_channel", "per_token", "group32",
                                            "group64", "group128", "tile128x128", "axis1", "axis0/block32"}) {
        if (!family.only || groups.starts_with("group")) add(groups);
      }
    }
  });
  for (const recipe_description& row : list_recipes()) {
    if (row.name.find('<') == std::string::npos) names.push_back(row.name);
  }
  return names;
}

}  // namespace

std::unique_ptr<recipe> find_recipe(std::string_view name) {
  for (const auto make :
       {make_ggml_recipe, make_cast_recipe, make_nf4_recipe, make_w4a8_recipe, make_words_recipe, make_layout_recipe}) {
    if (std::unique_ptr<recipe> found = make(name)) return found;
  }
  if (std::unique_ptr<recipe> found = make_coded_recipe(name)) return found;
  const std::vector<std::string> names = example_names();
  const std::vector<std::string> near = nearest_names(name, names);
  throw error(errc::unknown_name,
              "unknown recipe \"" + std::string(name) + "\"; " +
                  (near.empty() ? "--list shows all of them" : "did you mean " + join_names(near) + "?"));
}

std::vector<recipe_description> list_recipes() {
  std::vector<recipe_description> rows;
  const auto add = [&](std::vector<recipe_description> more) {
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for_each_family([&](const coded_family& family) { rows.push_back(describe_family(family)); });
  add({describe_nf4(), describe_w4a8()});
  add(list_words_recipes());
  add(list_layout_recipes());
  add(list_ggml_recipes());
  add(list_cast_recipes());
  return rows;
}

}  // namespace qgrain::convert
