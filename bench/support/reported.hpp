// What a benchmark program does about errors.
#ifndef QGRAIN_BENCH_SUPPORT_REPORTED_HPP
#define QGRAIN_BENCH_SUPPORT_REPORTED_HPP

#include <cstdio>
#include <exception>

namespace qgrain::bench {

/// main of a program: run(argc, argv), or 1 and the sentence of what it throws behind the program's name.
inline int reported(const char* program, int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s: %s\n", program, failure.what());
    return 1;
  }
}

}  // namespace qgrain::bench

#endif
