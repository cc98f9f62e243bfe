// A folder of its own for each test.
#ifndef QGRAIN_TESTS_SWEEP_SCRATCH_FOLDER_HPP
#define QGRAIN_TESTS_SWEEP_SCRATCH_FOLDER_HPP

#include <boost/test/unit_test.hpp>

#include <filesystem>

namespace qgrain::test {

/// Made new at the beginning, removed at the end.
struct scratch_folder {
  scratch_folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~scratch_folder() { std::filesystem::remove_all(path); }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::filesystem::path path = std::filesystem::path(QGRAIN_BINARY_DIR) / "tests" / "scratch" /
                               boost::unit_test::framework::current_test_case().full_name();
};

}  // namespace qgrain::test

#endif
