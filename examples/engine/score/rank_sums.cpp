#include <engine/score/rank_sums.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::engine {

rank_news add_written(common::communicator& ranks, score_sums& sums, const rank_news& mine) {
  std::string text;
  common::append_element(text, mine);
  for (const score_sums::slab_entries& slab : sums.written) {
    common::append_element(text, slab.first_output);
    common::append_element(text, static_cast<std::uint64_t>(slab.entries.size()));
    common::append_elements(text, std::span(slab.entries));
  }
  sums.written.clear();
  rank_news all;
  std::map<std::int64_t, std::vector<score_sums::entry>> slabs;
  const std::vector<std::string> texts = ranks.gather(text);
  for (std::size_t r = 0; r < texts.size(); ++r) {
    common::element_reader reader(texts[r]);
    const auto news = reader.take<rank_news>();
    all.stop = all.stop || news.stop;
    if (r == 0) all.save = news.save;
    all.flops += news.flops;
    while (!reader.empty()) {
      const auto first_output = reader.take<std::int64_t>();
      const auto count = reader.take<std::uint64_t>();
      reader.take(static_cast<std::size_t>(count), slabs[first_output]);
    }
  }
  for (const auto& [first_output, entries] : slabs) {
    for (const score_sums::entry& e : entries) sums.values[static_cast<std::size_t>(e.place)] += e.value;
  }
  return all;
}

void spread_portions(common::communicator& ranks, std::optional<pass_checkpoint>& state) {
  std::string text;
  if (ranks.rank() == 0 && state) {
    common::append_element(text, state->place);
    common::append_element(text, state->scoring_flops);
    common::append_element(text, state->gradient.size());
    common::append_element(text, static_cast<std::uint64_t>(state->sums.size()));
    common::append_elements(text, std::span(std::as_const(state->sums)));
  }
  const std::string found = ranks.gather(text).front();
  if (found.empty()) return state.reset();
  if (ranks.rank() == 0) return;
  common::element_reader reader(found);
  pass_checkpoint known;
  known.place = reader.take<pass_place>();
  known.scoring_flops = reader.take<double>();
  known.gradient = lm::buffer(reader.take<index_t>());
  reader.take(static_cast<std::size_t>(reader.take<std::uint64_t>()), known.sums);
  state = std::move(known);
}

void spread_state(common::communicator& ranks, std::optional<pass_checkpoint>& state) {
  // Others divide what lies behind the boundary another way, so they begin there.
  if (ranks.rank() == 0 && state) {
    state->place = {state->place.layer, 0, 0};
    state->sums = state->boundary_sums;
  }
  spread_portions(ranks, state);
  if (!state) return;
  state->boundary_sums = state->sums;
  std::vector<index_t> bounds(static_cast<std::size_t>(ranks.size()) + 1, state->gradient.size());
  bounds.front() = 0;  // all of it is the first rank's
  common::share_elements(ranks, state->gradient.all(), bounds);
}

}  // namespace qgrain::engine
