// Must not compile: a table with nothing to choose from.
#include <qgrain/format/codebook.hpp>

#include <string_view>

template <int Size>
struct integers_up_to {
  static constexpr int size = Size;
  static constexpr std::string_view name() noexcept { return "integers_up_to"; }
  static constexpr float value(int i) noexcept { return static_cast<float>(i); }
};

qgrain::codebook<integers_up_to<2>> good;
#ifdef QGRAIN_MISTAKE
qgrain::codebook<integers_up_to<1>> bad;
#endif
