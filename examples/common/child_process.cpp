#include <common/child_process.hpp>
#include <common/file.hpp>

#include <qgrain/core/status.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace qgrain::common {
namespace {

error failure_of(const std::string& program, int code) {
  return error(errc::io_failure, program + ": running it failed: " + std::strerror(code));
}

struct pipe_ends {
  descriptor read;
  descriptor write;
};

pipe_ends open_pipe(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure_of(program, errno);
  return {descriptor(ends[0]), descriptor(ends[1])};
}

// What the spawned program starts with.
class spawn_actions {
 public:
  spawn_actions() { ::posix_spawn_file_actions_init(&actions_); }
  spawn_actions(const spawn_actions&) = delete;
  spawn_actions& operator=(const spawn_actions&) = delete;
  ~spawn_actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// Both at once, as a program that fills one pipe would wait for its reader.
void read_both(int output, int errors, program_outcome& outcome) {
  std::array<pollfd, 2> ends{{{output, POLLIN, 0}, {errors, POLLIN, 0}}};
  const std::array<std::string*, 2> texts{&outcome.output, &outcome.errors};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 4096> bytes{};
      const ssize_t count = ::read(ends[i].fd, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        ends[i].fd = -1;
      } else {
        texts[i]->append(bytes.data(), static_cast<std::size_t>(count));
      }
    }
  }
}

}  // namespace

program_outcome run_program(const std::vector<std::string>& command) {
  const std::string& program = command.at(0);
  pipe_ends output = open_pipe(program);
  pipe_ends errors = open_pipe(program);
  spawn_actions actions;
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions.get(), output.write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), errors.write.get(), STDERR_FILENO);
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (const int code = ::posix_spawn(&child, program.c_str(), actions.get(), nullptr, arguments.data(), environ);
      code != 0)
    throw failure_of(program, code);
  output.write = descriptor();  // or reading would never end
  errors.write = descriptor();
  program_outcome outcome;
  read_both(output.read.get(), errors.read.get(), outcome);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw failure_of(program, errno);
  }
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

std::filesystem::path own_folder() {
  std::error_code code;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) throw error(errc::io_failure, "/proc/self/exe cannot be read: " + code.message());
  return program.parent_path();
}

}  // namespace qgrain::common
