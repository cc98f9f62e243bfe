// DLPack tensors as views and back: types, devices, dimensions and strides, each refusal with both numbers.
#include <qgrain/interop/dlpack.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <interop/interop_support.hpp>
#include <numeric>
#include <vector>

#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#else
// The members of DLPack 0.8's tensor, so that the test needs no package.
enum DLDeviceType : std::int32_t { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3, kDLCUDAManaged = 13 };
struct DLDevice {
  DLDeviceType device_type;
  std::int32_t device_id;
};
struct DLDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};
#endif

using namespace qgrain;
using interop::dlpack_memory;
using interop::to_dlpack;
using interop::view_of;
using qgrain_test::check_sentence;

namespace {

/// A tensor of floats with shape and strides of its own.
struct owned {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::vector<float> numbers = std::vector<float>(4096);
  DLTensor tensor{};

  explicit owned(std::vector<std::int64_t> extents, std::vector<std::int64_t> steps = {})
      : shape(std::move(extents)), strides(std::move(steps)) {
    std::iota(numbers.begin(), numbers.end(), 0.0F);
    tensor.data = numbers.data();
    tensor.device = {kDLCPU, 0};
    tensor.ndim = static_cast<std::int32_t>(shape.size());
    tensor.dtype = {2, 32, 1};
    tensor.shape = shape.data();
    tensor.strides = strides.empty() ? nullptr : strides.data();
  }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;

  /// Element by the strides of the tensor itself.
  [[nodiscard]] float at(const std::vector<std::int64_t>& place) const {
    std::int64_t offset = 0;
    std::int64_t dense = 1;
    for (std::size_t d = shape.size(); d-- > 0;) {
      offset += place[d] * (strides.empty() ? dense : strides[d]);
      dense *= shape[d];
    }
    return numbers.at(static_cast<std::size_t>(offset));
  }
};

void check_refused(const DLTensor& tensor, std::initializer_list<std::string_view> parts) {
  check_sentence([&] { static_cast<void>(view_of<const float>(tensor)); }, parts);
}

void check_all(const owned& from) {
  const auto view = view_of<const float>(from.tensor);
  const std::size_t ndim = from.shape.size();
  std::vector<std::int64_t> place(ndim);
  for (index_t r = 0; r < view.shape.rows; ++r) {
    for (index_t c = 0; c < view.shape.cols; ++c) {
      place[ndim - 1] = c;
      index_t rest = r;
      for (std::size_t d = ndim - 1; d-- > 0;) {
        place[d] = rest % from.shape[d];
        rest /= from.shape[d];
      }
      BOOST_TEST_REQUIRE(view(r, c) == from.at(place));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(columns_are_the_last_dimension) {
  const owned vector({5});
  BOOST_TEST((view_of<float>(vector.tensor).shape == shape2d{1, 5}));
  const owned cube({2, 3, 4});
  BOOST_TEST((view_of<float>(cube.tensor).shape == shape2d{6, 4}));
  for (const owned* dense : {&vector, &cube}) check_all(*dense);
  check_all(owned({3, 4}, {10, 1}));
  check_all(owned({2, 3, 4}, {30, 10, 1}));
  check_all(owned({2, 1, 3, 4}, {30, 7, 10, 1}));  // the stride of one element does not count
  check_all(owned({1, 4}, {0, 1}));
  check_all(owned({3, 1}, {5, 9}));
  BOOST_TEST(view_of<float>(owned({3, 4}, {10, 1}).tensor).leading_dimension == 10);
}

BOOST_AUTO_TEST_CASE(offsets_and_writing) {
  owned from({2, 3});
  from.tensor.byte_offset = 8;
  const auto view = view_of<float>(from.tensor);
  BOOST_TEST(view(0, 0) == 2.0F);
  view(1, 2) = -5.0F;
  BOOST_TEST(from.numbers[7] == -5.0F);
}

BOOST_AUTO_TEST_CASE(strides_that_no_view_has) {
  check_refused(owned({3, 4}, {1, 3}).tensor, {"stride of the last dimension", "expected 1", "found 3"});
  check_refused(owned({2, 3, 4}, {50, 10, 1}).tensor, {"stride of dimension 0", "expected 30", "found 50"});
  check_refused(owned({3, 4}, {0, 1}).tensor, {"stride of dimension 0", "4", "found 0"});    // broadcast
  check_refused(owned({3, 4}, {-4, 1}).tensor, {"stride of dimension 0", "4", "found -4"});  // flipped
}

BOOST_AUTO_TEST_CASE(types_devices_and_dimensions) {
  owned from({2, 3});
  const auto with = [&](auto change) {
    DLTensor tensor = from.tensor;
    change(tensor);
    return tensor;
  };
  check_refused(with([](DLTensor& t) { t.dtype.code = 4; }), {"type code", "expected 2", "found 4"});
  check_refused(with([](DLTensor& t) { t.dtype.bits = 64; }), {"bits", "expected 32", "found 64"});
  check_refused(with([](DLTensor& t) { t.dtype.lanes = 4; }), {"lanes", "expected 1", "found 4"});
  check_refused(with([](DLTensor& t) { t.device.device_type = kDLCUDA; }), {"device", "expected 1", "found 2"});
  check_refused(with([](DLTensor& t) { t.ndim = 0; }), {"dimensions", "1", "found 0"});
  check_refused(with([](DLTensor& t) { t.data = nullptr; }), {"no memory"});
  check_refused(with([](DLTensor& t) { t.byte_offset = 2; }), {"alignment", "found 2"});
  from.shape[0] = -2;
  check_refused(from.tensor, {"extent 0", "found -2"});
  from.shape[0] = 0;
  BOOST_TEST((view_of<float>(from.tensor).shape == shape2d{0, 3}));
  from.shape[0] = 2;
  const DLTensor on_device = with([](DLTensor& t) { t.device.device_type = kDLCUDA; });
  BOOST_TEST(view_of<float>(on_device, dlpack_memory::device).data == from.numbers.data());
  check_sentence([&] { static_cast<void>(view_of<float>(from.tensor, dlpack_memory::device)); },
                 {"device", "expected 2", "found 1"});
  for (const DLDeviceType shared : {kDLCUDAHost, kDLCUDAManaged}) {
    const DLTensor both = with([&](DLTensor& t) { t.device.device_type = shared; });
    BOOST_TEST((view_of<float>(both).shape == shape2d{2, 3}));
    BOOST_TEST((view_of<float>(both, dlpack_memory::device).shape == shape2d{2, 3}));
  }
}

// Found by fuzzing.
BOOST_AUTO_TEST_CASE(extents_that_overflow_are_refused) {
  constexpr std::int64_t large = std::int64_t{1} << 32;
  check_refused(owned({large, large, 1}).tensor, {"[4294967296, 4294967296, 1]", "overflow"});
  check_refused(owned({large, large}).tensor, {"[4294967296, 4294967296]", "overflow"});
  check_refused(owned({large, large, large, 3}, {1, 1, 3, 1}).tensor, {"overflow"});
  check_refused(owned({2, 3, 3}, {1, large * (large / 4), 1}).tensor, {"overflow"});
}

BOOST_AUTO_TEST_CASE(views_as_tensors) {
  const auto round_trip = []<class T>(T) {
    std::vector<T> numbers(40);
    const matrix_view<T> view{numbers.data(), {4, 7}, 10};
    std::array<std::int64_t, 4> extents{};
    const auto tensor = to_dlpack<DLTensor>(view, extents);
    const auto back = view_of<T>(tensor);
    BOOST_TEST(back.data == view.data);
    BOOST_TEST((back.shape == view.shape));
    BOOST_TEST(back.leading_dimension == 10);
    return std::array<int, 2>{tensor.dtype.code, tensor.dtype.bits};
  };
  BOOST_TEST((round_trip(0.0F) == std::array{2, 32}));
  BOOST_TEST((round_trip(float16{}) == std::array{2, 16}));
  BOOST_TEST((round_trip(bfloat16{}) == std::array{4, 16}));
  BOOST_TEST((round_trip(std::int8_t{}) == std::array{0, 8}));
  BOOST_TEST((round_trip(std::uint8_t{}) == std::array{1, 8}));
  BOOST_TEST((round_trip(std::int32_t{}) == std::array{0, 32}));
  BOOST_TEST((round_trip(std::uint16_t{}) == std::array{1, 16}));
  std::array<std::int64_t, 4> extents{};
  float number = 0;
  const auto on_device = to_dlpack<DLTensor>(matrix_view<const float>{&number, {1, 1}}, extents, 2, 3);
  BOOST_TEST(static_cast<int>(on_device.device.device_type) == 2);
  BOOST_TEST(on_device.device.device_id == 3);
}
