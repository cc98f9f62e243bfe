// How fast tokenizers read a text.
//   tokenizer_bench TEXT_FILE TOKENIZER_JSON...
#include <common/file.hpp>
#include <lm/tokenizer.hpp>
#include <support/timing.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace {

void measure(const std::string& text, const std::filesystem::path& file) {
  using qgrain::lm::tokenizer;
  const tokenizer subject = tokenizer::load(file);
  const std::vector<std::int32_t> ids = subject.encode(text);
  const std::vector<double> seconds = qgrain::bench::median_seconds(
      {[&] { (void)tokenizer::load(file); }, [&] { (void)subject.encode(text); }, [&] { (void)subject.decode(ids); }},
      5);
  std::printf("| %s | %zu | %.0f ms | %.0f ms | %.0f ms |\n", file.parent_path().filename().c_str(), ids.size(),
              seconds[0] * 1e3, seconds[1] * 1e3, seconds[2] * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s TEXT_FILE TOKENIZER_JSON...\n", argv[0]);
    return 2;
  }
  try {
    const std::string text = qgrain::common::read_text_file(argv[1]);
    std::printf("%zu bytes\n\n| tokenizer | ids | load | encode | decode |\n|---|---|---|---|---|\n", text.size());
    for (int i = 2; i < argc; ++i) measure(text, argv[i]);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
