// What entry points refuse, on any backend that runs kernels (see kernel_checks.hpp).
#ifndef QGRAIN_TESTS_SUPPORT_KERNEL_ERROR_CHECKS_HPP
#define QGRAIN_TESTS_SUPPORT_KERNEL_ERROR_CHECKS_HPP

#include <support/slice_recipes.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/cuda/scratch.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qgrain_test {

/// Empty where the call throws `code` with all of `words` in its sentence.
template <class Call>
[[nodiscard]] std::string refusal(const char* what, qgrain::errc code, const std::vector<std::string>& words,
                                  const Call& call) {
  try {
    call();
  } catch (const qgrain::error& e) {
    std::string faults;
    if (e.code() != code) faults += std::string(what) + ": another code; ";
    for (const std::string& word : words) {
      if (std::string(e.what()).find(word) == std::string::npos) {
        faults += std::string(what) + ": no " + word + " in \"" + e.what() + "\"; ";
      }
    }
    return faults;
  }
  return std::string(what) + ": nothing was thrown; ";
}

/// Every error case; empty where each is refused and no memory was written.
template <class Backend>
[[nodiscard]] std::string compare_refusals(Backend& backend) {
  using namespace qgrain;
  using T = float;
  constexpr shape2d shape{4, 192};
  constexpr auto count = static_cast<std::size_t>(shape.elements());
  typename Backend::template array<T> x(std::vector<T>(count, 1.0F));
  typename Backend::template array<std::int8_t> codes(std::vector<std::int8_t>(count, 99));
  typename Backend::template array<float> scales(std::vector<float>(count, -3.0F));
  typename Backend::template array<std::uint32_t> words(std::vector<std::uint32_t>(1024, 7U));
  typename Backend::template array<std::uint8_t> nv_codes(std::vector<std::uint8_t>(count, 99));
  const matrix_view<const T> in{x.data(), shape};
  const auto bytes = [&](std::size_t size) {
    return std::span<std::byte>(reinterpret_cast<std::byte*>(words.data()), size);
  };
  const quantized_view<int8_column> columns{codes.data(), scales.data(), nullptr, shape};
  const quantized_view<int8_token> tokens{codes.data(), scales.data(), nullptr, shape};
  const quantized_view<nvfp4> two_levels{nv_codes.data(), nv_codes.data(), scales.data(), shape};

  std::string faults;
  faults += refusal("no scratch", errc::buffer_too_small, {"768", "has 0"},
                    [&] { backend.template quantize<int8_column, T>(in, columns, {}); });
  faults += refusal("small scratch", errc::buffer_too_small, {"768", "767"},
                    [&] { backend.template quantize<int8_column, T>(in, columns, bytes(767)); });
  faults += refusal("small scratch of two levels", errc::buffer_too_small, {"4", "3"},
                    [&] { backend.template quantize<nvfp4, T>(in, two_levels, bytes(3)); });
  faults += refusal("null scratch", errc::invalid_argument, {"null"}, [&] {
    backend.template quantize<int8_column, T>(in, columns, std::span<std::byte>(static_cast<std::byte*>(nullptr), 768));
  });
  faults += refusal("odd scratch", errc::invalid_argument, {"aligned"},
                    [&] { backend.template quantize<int8_column, T>(in, columns, bytes(1024).subspan(1)); });
  faults += refusal("no input", errc::invalid_argument, {"input"}, [&] {
    backend.template quantize<int8_token, T>(matrix_view<const T>{nullptr, shape}, tokens, {});
  });
  faults += refusal("short stride", errc::buffer_too_small, {"192", "191"}, [&] {
    backend.template quantize<int8_token, T>(matrix_view<const T>{x.data(), shape, 191}, tokens, {});
  });
  faults += refusal("other rows", errc::invalid_shape, {"4", "3"}, [&] {
    backend.template quantize<int8_token, T>(in, {codes.data(), scales.data(), nullptr, {3, 192}}, {});
  });
  faults += refusal("other columns", errc::invalid_shape, {"192", "190"}, [&] {
    backend.template fake_quantize<int8_token, T>(in, matrix_view<T>{x.data(), {4, 190}}, {});
  });
  faults += refusal("empty shape", errc::invalid_shape, {"0 x 192"}, [&] {
    backend.template quantize<int8_token, T>(matrix_view<const T>{x.data(), {0, 192}},
                                             {codes.data(), scales.data(), nullptr, {0, 192}}, {});
  });
  faults += refusal("row below a group", errc::invalid_shape, {"128", "100"}, [&] {
    backend.template quantize<int4_g128, T>(matrix_view<const T>{x.data(), {4, 100}},
                                            {codes.data(), scales.data(), nullptr, {4, 100}}, {});
  });
  faults += refusal("no codes", errc::invalid_argument, {"codes"}, [&] {
    backend.template quantize<int8_token, T>(in, {nullptr, scales.data(), nullptr, shape}, {});
  });
  faults += refusal("no tensor scale", errc::invalid_argument, {"tensor scale"}, [&] {
    backend.template quantize<nvfp4, T>(in, {nv_codes.data(), nv_codes.data(), nullptr, shape}, bytes(4));
  });
  faults += refusal("no scales to dequantize", errc::invalid_argument, {"scales"}, [&] {
    backend.template dequantize<int8_token, T>({codes.data(), nullptr, nullptr, shape},
                                               matrix_view<T>{x.data(), shape});
  });
  faults += refusal("no output", errc::invalid_argument, {"output"}, [&] {
    backend.template dequantize<int8_token, T>(tokens, matrix_view<T>{nullptr, shape});
  });
  faults +=
      refusal("odd columns of packed codes", errc::invalid_shape, {"packing 4 bits", "asks for 2, found 191"}, [&] {
        backend.template quantize_packed<int4_g128, T>(matrix_view<const T>{x.data(), {4, 191}},
                                                       {nv_codes.data(), scales.data(), nullptr, {4, 191}}, {});
      });
  if (codes.values() != std::vector<std::int8_t>(count, 99)) faults += "codes were written; ";
  if (scales.values() != std::vector<float>(count, -3.0F)) faults += "scales were written; ";
  if (words.values() != std::vector<std::uint32_t>(1024, 7U)) faults += "scratch was written; ";
  return faults;
}

}  // namespace qgrain_test

#endif
