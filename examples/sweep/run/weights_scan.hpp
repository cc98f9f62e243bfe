// Every tensor of a checkpoint, read once and hashed.
#ifndef QGRAIN_SWEEP_RUN_WEIGHTS_SCAN_HPP
#define QGRAIN_SWEEP_RUN_WEIGHTS_SCAN_HPP

#include <common/communicator.hpp>
#include <common/xxhash64.hpp>
#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// Hashes a model's tensors, among several ranks each its share of them; of the others a rank reads the beginnings and
/// ends, by which it notices that they are not those of the first rank. The model must outlive it.
class weights_scan {
 public:
  explicit weights_scan(const lm::model& model);

  /// Reads this rank's share.
  void read(thread_pool& pool, common::communicator* ranks = nullptr);
  /// What the other ranks have to know of it, and to add of each other; in any order.
  [[nodiscard]] json::value share() const;
  void add(const json::value& share);
  /// Of all tensors: the order of files and tensors has no part in it. Where a rank's files are others, one that no
  /// checkpoint has.
  /// @throws error errc::non_finite naming all tensors of the language model with NaN or infinity and how many there
  /// are
  [[nodiscard]] std::string hash() const;

  struct scanned_tensor {
    std::string name;
    std::uint64_t hash = 0;
    std::int64_t non_finite = 0;
  };

 private:
  struct tensor {
    std::int64_t bytes = 0;
    std::function<scanned_tensor()> read;
    std::function<void(common::xxhash64& hash)> add_ends;
  };

  const lm::model& model_;
  std::vector<tensor> tensors_;
  std::vector<scanned_tensor> found_;  // [tensor]
  std::size_t begin_ = 0;              // of this rank's share
  std::size_t end_ = 0;
  std::string ends_;  // hash of all tensors' beginnings and ends
  bool differs_ = false;
};

/// The hash of a model's weights, read by this process.
[[nodiscard]] std::string weights_hash(const lm::model& model, thread_pool& pool);

}  // namespace qgrain::sweep

#endif
