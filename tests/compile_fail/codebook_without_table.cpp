// Must not compile: a table that does not give its values by a function.
#include <qgrain/format/codebook.hpp>

#include <string_view>

struct table {
  static constexpr int size = 2;
  static constexpr std::string_view name() noexcept { return "table"; }
  static constexpr float value(int i) noexcept { return static_cast<float>(i); }
};
struct array_only {
  static constexpr int size = 2;
  static constexpr std::string_view name() noexcept { return "array_only"; }
  static constexpr float value[size] = {0.0F, 1.0F};
};

qgrain::codebook<table> good;
#ifdef QGRAIN_MISTAKE
qgrain::codebook<array_only> bad;
#endif
