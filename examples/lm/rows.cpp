#include <lm/rows.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <string>

namespace qgrain::lm {

std::vector<std::int32_t> packed_rows::multiplicities() const {
  std::vector<std::int32_t> counts(ids.size(), 1);
  for (const sequence_rows& sequence : sequences) {
    if (sequence.padding > 0)
      counts[static_cast<std::size_t>(sequence.begin)] = static_cast<std::int32_t>(sequence.padding);
  }
  return counts;
}

packed_rows pack(std::span<const token_ids> sequences, const packing& how, index_t vocabulary) {
  if (sequences.empty()) throw error(errc::invalid_argument, "there is no sequence");
  if (how.batch_size < 1) throw error(errc::invalid_argument, "the batch size is " + std::to_string(how.batch_size));
  if (how.mode == padding::left && how.length < 1) {
    throw error(errc::invalid_argument, "padding needs a length of at least 1, not " + std::to_string(how.length));
  }
  packed_rows packed;
  const auto target = [&](std::int32_t id) { return how.ignored_id == id ? -1 : id; };
  for (std::size_t number = 0; number < sequences.size(); ++number) {
    token_ids ids = sequences[number];
    if (ids.empty()) throw error(errc::invalid_argument, "sequence " + std::to_string(number + 1) + " has no tokens");
    const auto stray =
        std::find_if(ids.begin(), ids.end(), [&](std::int32_t id) { return id < 0 || id >= vocabulary; });
    if (stray != ids.end()) {
      throw error(errc::out_of_range, "sequence " + std::to_string(number + 1) + ", position " +
                                          std::to_string(stray - ids.begin()) + ": id " + std::to_string(*stray) +
                                          " lies outside of the vocabulary of " + std::to_string(vocabulary));
    }
    if (how.length > 0) ids.resize(std::min(ids.size(), static_cast<std::size_t>(how.length)));

    sequence_rows place;
    place.begin = packed.rows();
    place.padding = how.mode == padding::left ? how.length - static_cast<index_t>(ids.size()) : 0;
    place.rows = static_cast<index_t>(ids.size()) + (place.padding > 0 ? 1 : 0);
    place.batch = static_cast<index_t>(number) / how.batch_size;
    if (place.padding > 0) {
      packed.ids.push_back(how.padding_id);
      packed.targets.push_back(target(ids[0]));
      packed.positions.push_back(static_cast<std::int32_t>(place.padding - 1));
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      packed.ids.push_back(ids[i]);
      packed.targets.push_back(i + 1 < ids.size() ? target(ids[i + 1]) : -1);
      packed.positions.push_back(static_cast<std::int32_t>(place.padding + static_cast<index_t>(i)));
    }
    packed.sequences.push_back(place);
    packed.batch_targets.resize(static_cast<std::size_t>(place.batch) + 1, 0);
    packed.batch_targets.back() += std::count_if(packed.targets.begin() + place.begin, packed.targets.end(),
                                                 [](std::int32_t id) { return id >= 0; });
  }
  if (how.mode == padding::left && (how.padding_id < 0 || how.padding_id >= vocabulary)) {
    throw error(errc::out_of_range, "the padding id " + std::to_string(how.padding_id) +
                                        " lies outside of the vocabulary of " + std::to_string(vocabulary));
  }
  return packed;
}

}  // namespace qgrain::lm
