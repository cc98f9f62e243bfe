// Must not compile: a table whose entries do not ascend.
#include <qgrain/format/codebook.hpp>

#include <string_view>

template <int Step>
struct multiples {
  static constexpr int size = 3;
  static constexpr std::string_view name() noexcept { return "multiples"; }
  static constexpr float value(int i) noexcept { return static_cast<float>(i * Step); }
};

qgrain::codebook<multiples<2>> good;
#ifdef QGRAIN_MISTAKE
qgrain::codebook<multiples<-2>> bad;
#endif
