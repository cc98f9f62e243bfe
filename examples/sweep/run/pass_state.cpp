#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <engine/calibrate/ranges.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/pass_state.hpp>

#include <cstddef>
#include <span>
#include <system_error>
#include <vector>

namespace qgrain::sweep {
namespace {

// The groups that scores depend on; empty where they depend on none.
std::string groups_text(const pass_settings& pass) {
  std::string text;
  if (!pass.kl_padding) text.append(" tokens");
  if (pass.groups) {
    text.append(pass.groups->how == layer_fusion::none ? " none" : " fused");
    for (const std::string& pattern : pass.groups->patterns) text.append("\n").append(pattern);
  }
  return text;
}

// Empty for lines.
std::string format_text(const pass_settings& pass) {
  return pass.format == dataset_format::lines ? "" : "\n" + std::string(name_of(pass.format)) + " " + pass.field;
}

std::filesystem::path identity_path(std::filesystem::path checkpoint) { return checkpoint += ".identity.json"; }

// The files under this name, that of the identity apart, and what a kill left half written: before the identity stands,
// its own.
std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& checkpoint) {
  std::error_code code;
  const std::string name = checkpoint.filename().string();
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoint.parent_path(), code)) {
    const std::string other = entry.path().filename().string();
    if (other.starts_with(name) && !is_leftover(other) && entry.path() != identity_path(checkpoint))
      found.push_back(entry.path());
  }
  return found;
}

json::object stored_identity(const std::filesystem::path& checkpoint) {
  const std::filesystem::path path = identity_path(checkpoint);
  return std::filesystem::exists(path) ? common::read_json_object(path) : json::object();
}

}  // namespace

std::filesystem::path checkpoint_path(const std::filesystem::path& folder, const pass_settings& pass) {
  engine::fnv1a hash;
  const std::string text = pass.model.string() + "\n" + pass.captions.string() + "\n" +
                           std::to_string(pass.samples.value_or(0)) + " " +
                           std::to_string(static_cast<int>(pass.padding)) + " " + std::to_string(pass.sequence_length) +
                           " " + std::to_string(pass.batch_size) + " " + std::to_string(pass.score_size) + " " +
                           std::string(name_of(pass.cross)) + " " + std::to_string(pass.fisher_draws) + " " +
                           std::to_string(pass.fisher_seed) + groups_text(pass) + format_text(pass);
  hash.add(std::as_bytes(std::span(text)));
  return state_folder(folder) / ("pass-" + hash.text() + ".safetensors");
}

std::string checkpoint_fault(const std::filesystem::path& checkpoint, const json::object& identity) {
  if (checkpoints_of(checkpoint).empty()) return {};
  return identity_fault("the checkpoint " + checkpoint.string(), stored_identity(checkpoint),
                        scores_identity(identity));
}

void claim_checkpoint(const std::filesystem::path& checkpoint, const json::object& identity) {
  if (!checkpoint_fault(checkpoint, identity).empty()) remove_checkpoints(checkpoint);
  common::write_text_file(identity_path(checkpoint), common::json_text(scores_identity(identity)) + "\n");
}

void remove_checkpoints(const std::filesystem::path& checkpoint) {
  for (const std::filesystem::path& path : checkpoints_of(checkpoint)) std::filesystem::remove(path);
  std::filesystem::remove(identity_path(checkpoint));  // last: none may stand without it
}

}  // namespace qgrain::sweep
