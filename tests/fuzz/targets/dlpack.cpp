// A DLPack tensor of any description over memory of 4 KiB: refused, or every element of the view lies in what the
// extents and strides reach.
#include <qgrain/interop/dlpack.hpp>

#include <array>
#include <fuzz/fuzz.hpp>

namespace dlpack_target {

using namespace qgrain;

// The members of DLPack's tensor.
struct device {
  std::int32_t device_type;
  std::int32_t device_id;
};
struct element_type {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct tensor {
  void* data;
  struct device device;
  std::int32_t ndim;
  element_type dtype;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};

template <class T>
void check(const tensor& given, std::size_t bytes) {
  fuzz::may_refuse([&] {
    const matrix_view<const T> view = interop::view_of<const T>(given);
    const auto rows = view.shape.rows;
    const auto cols = view.shape.cols;
    if (rows == 0 || cols == 0) return;
    fuzz::require(rows > 0 && cols > 0 && view.leading_dimension >= 0, "extents are positive");
    // Only what a caller with so much memory could have described is read.
    const auto have = static_cast<std::int64_t>((bytes - given.byte_offset) / sizeof(T));
    if (cols > have || (rows > 1 && view.leading_dimension > (have - cols) / (rows - 1))) return;
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < cols; ++c) {
        [[maybe_unused]] volatile const T* read = &view(r, c);
      }
    }
  });
}

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  alignas(8) static std::array<std::byte, 4096> memory{};
  const auto choice = from.take<std::uint8_t>();
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  const int dimensions = choice % 6;
  for (int d = 0; d < dimensions; ++d) {
    shape.push_back(from.extent());
    strides.push_back(from.extent());
  }
  tensor given{};
  given.data = (choice & 64) != 0 ? nullptr : memory.data();
  given.device = {1, 0};
  given.ndim = dimensions;
  given.dtype = {2, 32, 1};
  given.shape = shape.data();
  given.strides = (choice & 128) != 0 ? nullptr : strides.data();
  given.byte_offset = from.take<std::uint8_t>() % 64;
  check<float>(given, memory.size());
  given.dtype = {2, 16, 1};
  check<float16>(given, memory.size());
  given.dtype = from.take<element_type>();
  given.device.device_type = from.take<std::int8_t>();
  check<std::uint8_t>(given, memory.size());
}

const fuzz::target registered("dlpack", run);

}  // namespace dlpack_target
