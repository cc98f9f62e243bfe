// Which vector instructions the host loops run with: the widest that the processor has, or those asked for.
#ifndef QGRAIN_HOST_INSTRUCTION_SET_HPP
#define QGRAIN_HOST_INSTRUCTION_SET_HPP

#include <qgrain/core/status.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// Every host loop is compiled once for each set below, with equal bits: which of them runs changes the speed alone.
//
// QGRAIN_HOST_BASELINE_ONLY, defined for a whole target, compiles the baseline loops alone, in half the time: for code
// that goes over a tensor once. An inline namespace keeps what depends on it apart. Of a template of qgrain/host that
// files of both kinds instantiate, the linker keeps either version: the same bits, at either speed.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(QGRAIN_HOST_BASELINE_ONLY)
#define QGRAIN_HOST_INSTRUCTION_SETS 3
#else
#define QGRAIN_HOST_INSTRUCTION_SETS 1
#endif

// NEON belongs to every 64-bit ARM: to the baseline there.
#if defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__) && !defined(QGRAIN_HOST_BASELINE_ONLY)
#define QGRAIN_HOST_NEON 1
#else
#define QGRAIN_HOST_NEON 0
#endif

namespace qgrain {

namespace detail {

#if QGRAIN_HOST_INSTRUCTION_SETS == 3
/// Whether this processor converts binary16. (clang 14 does not know its name in __builtin_cpu_supports; the system has
/// to keep wide registers, which that says of AVX2.)
[[nodiscard]] inline bool has_f16c() noexcept {
  std::uint32_t leaf = 1;
  std::uint32_t b = 0;
  std::uint32_t features = 0;
  std::uint32_t d = 0;
  asm("cpuid" : "+a"(leaf), "=b"(b), "+c"(features), "=d"(d));
  return (features >> 29U & 1U) != 0;
}
#endif

}  // namespace detail

/// Narrow to wide.
enum class instruction_set : std::uint8_t {
  baseline,  ///< what the compiler was told to assume: SSE2 on x86-64
  avx2,      ///< with FMA and F16C
  avx512,    ///< F, BW, DQ and VL
};

/// The environment variable that asks for a set by its name.
inline constexpr const char* instruction_set_variable = "QGRAIN_INSTRUCTION_SET";

/// As QGRAIN_INSTRUCTION_SET spells it.
[[nodiscard]] constexpr std::string_view name_of(instruction_set set) noexcept {
  return set == instruction_set::avx512 ? "avx512" : set == instruction_set::avx2 ? "avx2" : "baseline";
}

#if QGRAIN_HOST_INSTRUCTION_SETS == 3 || QGRAIN_HOST_NEON
inline namespace every_instruction_set {
#else
inline namespace baseline_only {
#endif

/// Whether this processor has a set and this program was compiled for it. Safe to call from any thread.
[[nodiscard]] inline bool is_supported(instruction_set set) noexcept {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  switch (set) {
    case instruction_set::baseline:
      return true;
    case instruction_set::avx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && detail::has_f16c();
    case instruction_set::avx512:
      return __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0;
  }
  return false;
#else
  return set == instruction_set::baseline;
#endif
}

/// The sets that can be asked for, narrow to wide; the baseline is always among them. Safe to call from any thread.
[[nodiscard]] inline std::vector<instruction_set> supported_instruction_sets() {
  constexpr instruction_set all[] = {instruction_set::baseline, instruction_set::avx2, instruction_set::avx512};
  instruction_set supported[3] = {};
  std::size_t count = 0;
  for (const instruction_set set : all) {
    if (is_supported(set)) supported[count++] = set;
  }
  return {supported, supported + count};
}

/// The set of a name or, without one (null or empty), the widest that is supported. Safe to call from any thread.
/// @throws error errc::unknown_name for no name of a set, errc::unsupported for one that this processor lacks; the
/// sentence lists those that it has
[[nodiscard]] inline instruction_set find_instruction_set(const char* name) {
  const std::vector<instruction_set> supported = supported_instruction_sets();
  if (name == nullptr || *name == '\0') return supported.back();
  const std::string_view wanted = name;
  std::string names;
  for (const instruction_set set : supported) {
    if (name_of(set) == wanted) return set;
    names.append(names.empty() ? "" : ", ").append(name_of(set));
  }
  const bool is_known = wanted == name_of(instruction_set::avx2) || wanted == name_of(instruction_set::avx512);
  qgrain::detail::raise(is_known ? errc::unsupported : errc::unknown_name,
                        std::string(instruction_set_variable) + " asks for \"" + std::string(wanted) + "\", which " +
                            (is_known ? "this processor does not have" : "is no instruction set") +
                            "; there are: " + names);
}

/// The set that every host loop of this program runs with: the widest, or what QGRAIN_INSTRUCTION_SET (baseline, avx2,
/// avx512) asks for, read once. The first call of a loop makes the same check; a program calls this at its start to
/// refuse before any work. Safe to call from any thread.
/// @throws error as find_instruction_set, at every call until the variable is right
inline instruction_set chosen_instruction_set() {
  static const instruction_set chosen = find_instruction_set(std::getenv(instruction_set_variable));
  return chosen;
}

}  // inline namespace

}  // namespace qgrain

#endif
