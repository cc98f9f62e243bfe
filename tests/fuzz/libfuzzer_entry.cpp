// libFuzzer's entry: the one target that is linked in.
#include <fuzz/fuzz.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  qgrain::fuzz::targets().front().run({data, size});
  return 0;
}
