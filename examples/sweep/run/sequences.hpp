// The token ids of a data set.
#ifndef QGRAIN_SWEEP_RUN_SEQUENCES_HPP
#define QGRAIN_SWEEP_RUN_SEQUENCES_HPP

#include <lm/rows.hpp>
#include <lm/tokenizer.hpp>
#include <sweep/run/pass_settings.hpp>

#include <optional>
#include <vector>

namespace qgrain::sweep {

/// That of the model; nothing where the data set has ids and the model's folder no tokenizer.
[[nodiscard]] std::optional<lm::tokenizer> tokenizer_of(const pass_settings& pass);

/// The sequences that a pass reads, in file order, as many as it asks for. Texts are encoded one by one, but for
/// `packed_text`: encoded as a whole and cut into sequences of the pass's length. `token_ids` of one dimension are cut
/// likewise, the rows of two are sequences. What is left over behind the last whole sequence is dropped, unless it is
/// all. Throws errc::io_failure or errc::bad_file, naming the file and, where texts stand on lines, the line.
[[nodiscard]] std::vector<lm::token_ids> read_sequences(const pass_settings& pass,
                                                        const std::optional<lm::tokenizer>& tokenizer);

}  // namespace qgrain::sweep

#endif
