// libFuzzer's entries: the program's first argument names the target, the others are libFuzzer's.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fuzz/fuzz.hpp>

namespace {

const qgrain::fuzz::target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::vector<qgrain::fuzz::target>& all = qgrain::fuzz::targets();
  const std::string_view name = *argc > 1 ? (*argv)[1] : "";
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& target) { return target.name == name; });
  if (found == all.end()) {
    std::fprintf(stderr, "there is no fuzz target \"%s\"; there are:", name.data());
    for (const auto& target : all) std::fprintf(stderr, " %s", target.name.data());
    std::fprintf(stderr, "\n");
    std::exit(2);
  }
  chosen = &*found;
  std::copy(*argv + 2, *argv + *argc, *argv + 1);
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({data, size});
  return 0;
}
