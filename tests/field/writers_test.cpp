// Row 2 of tests/data/field: no writer replaces or truncates what is no regular file.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <quantize/convert.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using qgrain::errc;
using qgrain::lm::testing::expect_error;
using qgrain::lm::testing::temporary_folder;
namespace lm = qgrain::lm;

mode_t kind_at(const fs::path& path) {
  struct stat facts {};
  BOOST_TEST_REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & S_IFMT;
}

void write_weights(const fs::path& path) {
  lm::safetensors_writer writer(path, {{"w", lm::dtype::f32, {2}}});
  writer.write_elements<float>(0, 0, std::array{1.0F, -2.0F});
  writer.finish();
}

/// Every way in which the programs write a file.
std::vector<std::function<void(const fs::path&)>> writers(const fs::path& input) {
  return {[](const fs::path& path) { qgrain::common::write_text_file(path, "text"); }, write_weights,
          [input](const fs::path& path) {
            qgrain::convert::convert_job job;
            job.in = input;
            job.recipe = "cast/bfloat16";
            job.out = path;
            qgrain::convert::convert_file(job);
          }};
}

void make_socket(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  BOOST_TEST_REQUIRE(path.string().size() < sizeof address.sun_path);
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const qgrain::common::descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  BOOST_TEST_REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(row_2_what_is_no_regular_file_stays) {
  const temporary_folder folder;
  write_weights(folder.path() / "in.safetensors");
  std::vector<std::pair<std::string, std::string>> places{{"fifo", "FIFO"}, {"socket", "socket"}, {"folder", "folder"}};
  BOOST_TEST_REQUIRE(::mkfifo((folder.path() / "fifo").c_str(), 0644) == 0);
  make_socket(folder.path() / "socket");
  fs::create_directory(folder.path() / "folder");
  // A null device of its own; made by root only, and not where the file system holds none.
  if (::mknod((folder.path() / "node").c_str(), S_IFCHR | 0666, ::makedev(1, 3)) == 0) {
    places.emplace_back("node", "device node");
  }
  for (const auto& [name, word] : places) {
    const fs::path path = folder.path() / name;
    const fs::path link = folder.path() / (name + ".link");
    fs::create_symlink(path, link);
    const mode_t kind = kind_at(path);
    for (const auto& write : writers(folder.path() / "in.safetensors")) {
      expect_error(errc::io_failure, {path.string(), word}, [&] { write(path); });
      expect_error(errc::io_failure, {link.string(), word}, [&] { write(link); });
    }
    BOOST_TEST((kind_at(path) == kind), name);
    BOOST_TEST((kind_at(link) == S_IFLNK), name);
  }
  const auto entries = std::distance(fs::directory_iterator(folder.path()), {});
  BOOST_TEST(static_cast<std::size_t>(entries) == 1 + 2 * places.size());  // nothing is left behind
}

BOOST_AUTO_TEST_CASE(row_2_links_are_followed) {
  const temporary_folder folder;
  write_weights(folder.path() / "in.safetensors");
  fs::create_directory(folder.path() / "elsewhere");
  qgrain::common::write_text_file(folder.path() / "elsewhere/old", "old");
  fs::create_symlink("elsewhere/old", folder.path() / "to_old");
  fs::create_symlink("to_old", folder.path() / "to_link");
  fs::create_symlink("elsewhere/new", folder.path() / "to_new");  // a file that is not there yet
  fs::create_symlink("round", folder.path() / "round");
  for (const char* link : {"to_old", "to_link", "to_new"}) {
    const fs::path path = folder.path() / link;
    for (const auto& write : writers(folder.path() / "in.safetensors")) {
      write(path);
      BOOST_TEST((kind_at(path) == S_IFLNK), link);
      BOOST_TEST(fs::file_size(path) > 3U);
    }
  }
  BOOST_TEST((kind_at(folder.path() / "elsewhere/old") == S_IFREG));
  BOOST_TEST((kind_at(folder.path() / "elsewhere/new") == S_IFREG));
  for (const auto& write : writers(folder.path() / "in.safetensors")) {
    expect_error(errc::io_failure, {"round", "symbolic link"}, [&] { write(folder.path() / "round"); });
  }
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path() / "elsewhere"), {}) == 2);
}

BOOST_AUTO_TEST_CASE(row_2_what_comes_to_a_place_meanwhile_stays) {
  const temporary_folder folder;
  const fs::path path = folder.path() / "out.safetensors";
  lm::safetensors_writer writer(path, {{"w", lm::dtype::f32, {1}}});
  BOOST_TEST_REQUIRE(::mkfifo(path.c_str(), 0644) == 0);
  expect_error(errc::io_failure, {path.string(), "FIFO"}, [&] { writer.finish(); });
  BOOST_TEST((kind_at(path) == S_IFIFO));
}

BOOST_AUTO_TEST_CASE(a_fifo_as_input_is_refused_and_not_waited_for) {
  const temporary_folder folder;
  BOOST_TEST_REQUIRE(::mkfifo((folder.path() / "in").c_str(), 0644) == 0);
  expect_error(errc::io_failure, {"in", "not a regular file"},
               [&] { const lm::safetensors_file file(folder.path() / "in"); });
}
