#include <hydra/group_overrides.hpp>
#include <hydra/sweep_expand.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

namespace qgrain::hydra {
namespace {

[[noreturn]] void refuse(const config_override& parsed, const std::string& reason) {
  throw error(errc::invalid_argument, "override '" + parsed.input + "': " + reason);
}

// A name or a list of names; empty for every other value.
std::optional<group_choice> choice_of(const element& value) {
  if (const auto* text = std::get_if<text_value>(&value.value)) return text->characters;
  const auto* list = std::get_if<element_list>(&value.value);
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& item : *list) {
    const auto* text = std::get_if<text_value>(&item.value);
    if (text == nullptr) return std::nullopt;
    names.push_back(text->characters);
  }
  return names;
}

std::string address_of(const config_override& parsed) {
  return parsed.package ? parsed.key + "@" + *parsed.package : parsed.key;
}

}  // namespace

group_overrides::group_overrides(const config_source& source, const std::vector<config_override>& overrides) {
  for (const auto& parsed : overrides) {
    if (swept_value(parsed) == nullptr && targets_group(parsed, source)) take(parsed);
  }
}

void group_overrides::take(const config_override& parsed) {
  const std::string origin = "override '" + parsed.input + "'";
  if (parsed.type == override_type::force_add)
    refuse(parsed, "++ does not apply to a group; + adds it, no sign changes it");
  const element value = parsed.value ? *plain_value(parsed) : element{nullptr};
  auto choice = choice_of(value);
  if (parsed.type == override_type::remove) {
    const bool any = std::holds_alternative<std::nullptr_t>(value.value);
    const auto* name = choice ? std::get_if<std::string>(&*choice) : nullptr;
    if (!any && name == nullptr) refuse(parsed, "the choice to delete is a name");
    deletions_[address_of(parsed)] = {any ? std::nullopt : std::optional(*name), origin};
    return;
  }
  if (!choice) refuse(parsed, "the choice of a group is a name or a list of names, not " + canonical_text(value));
  if (parsed.type == override_type::change) {
    replacements_[address_of(parsed)] = {std::move(*choice), origin};
    return;
  }
  if (parsed.key.empty()) refuse(parsed, "a group is missing before the equals sign");
  defaults_entry entry{.what = defaults_entry::kind::group,
                       .path = parsed.key,
                       .choice = std::move(*choice),
                       .package = parsed.package,
                       .appended = true};
  if (entry.package == "_here_") entry.package = "";
  appended_.push_back(std::move(entry));
}

void group_overrides::add(const defaults_entry& entry, const std::string& file) {
  replacements_.try_emplace(entry.override_key(),
                            replacement{entry.choice, "config '" + file + "', override '" + entry.path + "'"});
}

void group_overrides::replace_choice(defaults_entry& entry) {
  if (!entry.is_group()) return;
  const auto found = replacements_.find(entry.override_key());
  if (found == replacements_.end()) return;
  entry.choice = found->second.choice;
  found->second.used = true;
}

bool group_overrides::deletes(const defaults_entry& entry) {
  if (!entry.is_group()) return false;
  const auto found = deletions_.find(entry.override_key());
  if (found == deletions_.end() || (found->second.choice && found->second.choice != entry.name())) return false;
  found->second.used = true;
  return true;
}

void group_overrides::note_choice(const defaults_entry& entry) {
  if (!entry.is_group()) return;
  const auto [known, added] = choices_.try_emplace(entry.override_key(), entry.name());
  if (!added && known->second != entry.name()) {
    throw error(errc::invalid_argument, "the group '" + known->first + "' has two choices, '" +
                                            known->second.value_or("null") + "' and '" + entry.name().value_or("null") +
                                            "'; {\"override " + known->first + "\": choice} replaces one");
  }
}

// The same group at other packages, or else all groups.
std::string group_overrides::known_addresses(const std::string& key) const {
  const auto group_of = [](const std::string& address) { return address.substr(0, address.find('@')); };
  std::vector<std::string> same, all;
  for (const auto& choice : choices_) {
    all.push_back(choice.first);
    if (group_of(choice.first) == group_of(key)) same.push_back(choice.first);
  }
  return name_hint(key, same.empty() ? all : same);
}

void group_overrides::require_all_used() const {
  const auto complain = [this](const std::string& origin, const std::string& key, const std::string& remedy) {
    throw error(errc::unknown_name,
                origin + ": the group '" + key + "' is not in the defaults list" + known_addresses(key) + remedy);
  };
  for (const auto& [key, replaced] : replacements_) {
    if (!replaced.used) complain(replaced.origin, key, " (+group=choice adds a group)");
  }
  for (const auto& [key, deleted] : deletions_) {
    if (deleted.used) continue;
    if (!choices_.contains(key)) complain(deleted.origin, key, "");
    throw error(errc::unknown_name, deleted.origin + ": the group '" + key + "' has the choice '" +
                                        choices_.at(key).value_or("null") + "'");
  }
}

}  // namespace qgrain::hydra
