// Several processes of one run, which exchange bytes.
#ifndef QGRAIN_COMMON_COMMUNICATOR_HPP
#define QGRAIN_COMMON_COMMUNICATOR_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain::common {

/// The ranks of a run, all of which make the same calls in the same order, from one thread at a time each. Where a
/// pointer to one is null there is one process. A rank that fails elsewhere must call `abort`, or the others wait for
/// it.
class communicator {
 public:
  virtual ~communicator() = default;
  [[nodiscard]] virtual int rank() const noexcept = 0;
  [[nodiscard]] virtual int size() const noexcept = 0;
  /// [rank] what each of them gives. Waits without keeping the processor busy.
  [[nodiscard]] virtual std::vector<std::string> gather(std::string_view mine) = 0;
  /// Bytes [bounds[r], bounds[r + 1]) of `whole` become those of rank r everywhere. bounds: [ranks + 1], ascending.
  virtual void share(std::span<std::byte> whole, std::span<const std::size_t> bounds) = 0;
  /// Values that are not negative become the largest of all ranks'; NaN counts as the largest.
  virtual void widen(std::span<float> values) = 0;
  /// This rank makes no more calls that others take part in. What there is to end then ends beside other work.
  virtual void leave() {}
  /// Ends all ranks with this exit code; does not return.
  [[noreturn]] virtual void abort(int code) noexcept = 0;
  /// That this rank has sent to others so far.
  [[nodiscard]] virtual std::int64_t sent_bytes() const noexcept = 0;
};

[[nodiscard]] inline bool is_divided(const communicator* ranks) noexcept {
  return ranks != nullptr && ranks->size() > 1;
}

/// share() for elements; bounds count them.
template <class Element>
void share_elements(communicator& ranks, std::span<Element> whole, std::span<const std::int64_t> bounds,
                    std::int64_t elements_each = 1) {
  static_assert(std::is_trivially_copyable_v<Element>);
  std::vector<std::size_t> bytes;
  for (const std::int64_t bound : bounds)
    bytes.push_back(static_cast<std::size_t>(bound * elements_each) * sizeof(Element));
  ranks.share(std::as_writable_bytes(whole), bytes);
}

/// The bytes of elements, for gather().
template <class Element>
void append_elements(std::string& text, std::span<Element> elements) {
  static_assert(std::is_trivially_copyable_v<Element>);
  text.append(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
}

template <class Element>
void append_element(std::string& text, const Element& element) {
  append_elements(text, std::span(&element, 1));
}

/// Takes elements from the front of a text that the functions above have made.
class element_reader {
 public:
  explicit element_reader(std::string_view text) : rest_(text) {}

  template <class Element>
  [[nodiscard]] Element take() {
    Element value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  template <class Element>
  void take(std::size_t count, std::vector<Element>& behind) {
    const std::size_t size = behind.size();
    behind.resize(size + count);
    if (count > 0) std::memcpy(behind.data() + size, rest_.data(), count * sizeof(Element));
    rest_.remove_prefix(count * sizeof(Element));
  }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// The ranks that a launcher (mpirun, srun) has started this process among; null where it was started alone.
/// @throws error errc::unsupported where there are several and the program was built without MPI, or where MPI sees
/// another number of them than the launcher started: each would do the whole work
[[nodiscard]] std::unique_ptr<communicator> start_communicator(int& argc, char**& argv);

}  // namespace qgrain::common

#endif
