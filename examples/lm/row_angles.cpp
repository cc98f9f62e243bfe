#include <lm/elementary.hpp>
#include <lm/row_angles.hpp>

#include <qgrain/core/arithmetic.hpp>

#include <algorithm>
#include <map>

namespace qgrain::lm {
namespace {

// [count, size]: a row of cosines and sines for each position.
buffer table_of(const rotation& r, index_t length_class, index_t count) {
  const index_t half = r.size / 2;
  const float magnitude = r.magnitude();
  const std::vector<float> frequencies = r.frequencies(length_class);
  buffer table(count * r.size);
  for (index_t i = 0; i < half; ++i) {
    for (index_t position = 0; position < count; ++position) {
      const float angle = static_cast<float>(position) * frequencies[static_cast<std::size_t>(i)];
      table.data()[position * r.size + i] = mul_rn(cosine(angle), magnitude);
      table.data()[position * r.size + half + i] = mul_rn(sine(angle), magnitude);
    }
  }
  return table;
}

// Positions of a sequence, padding included.
index_t length_of(const sequence_rows& s) { return s.padding + s.tokens(); }

}  // namespace

row_angles::row_angles(const model_config& config, const packed_rows& rows) {
  for (const rotation& r : config.rotations) {
    std::map<index_t, index_t> longest;  // by class of length
    for (const sequence_rows& s : rows.sequences) {
      index_t& length = longest[r.length_class(length_of(s))];
      length = std::max(length, length_of(s));
    }
    std::map<index_t, const float*> begin_of;
    for (const auto& [length_class, length] : longest) {
      tables_.push_back(table_of(r, length_class, length));
      begin_of.emplace(length_class, tables_.back().data());
    }
    std::vector<const float*>& pointers = pointers_.emplace_back();
    for (const sequence_rows& s : rows.sequences) {
      const float* table = begin_of.at(r.length_class(length_of(s)));
      for (index_t row = s.begin; row < s.end(); ++row)
        pointers.push_back(table + rows.positions[static_cast<std::size_t>(row)] * r.size);
    }
  }
}

}  // namespace qgrain::lm
