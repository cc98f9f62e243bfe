// A program of the build that runs beside the test, to be signalled.
#ifndef QGRAIN_TESTS_SUPPORT_BACKGROUND_PROGRAM_HPP
#define QGRAIN_TESTS_SUPPORT_BACKGROUND_PROGRAM_HPP

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace qgrain::testing {

/// Killed, if it still runs, when the object ends.
class background_program {
 public:
  /// `program` is a name in the build's bin folder; its output goes to `output`, its working folder is `folder`.
  background_program(const std::string& program, const std::vector<std::string>& arguments,
                     const std::filesystem::path& folder, const std::filesystem::path& output) {
    std::vector<std::string> words{(std::filesystem::path(QGRAIN_BINARY_DIR) / "bin" / program).string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("fork failed");
    if (process_ > 0) return;
    const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (out >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(out, STDERR_FILENO) >= 0 &&
        ::chdir(folder.c_str()) == 0) {
      ::execv(argv.front(), argv.data());
    }
    ::_exit(127);
  }
  background_program(const background_program&) = delete;
  background_program& operator=(const background_program&) = delete;
  ~background_program() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    wait();
  }

  void signal(int number) { ::kill(process_, number); }
  /// True where it ended within the time.
  bool ends_within(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      if (::waitpid(process_, &status_, WNOHANG) == process_) {
        process_ = 0;
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  /// Its exit code, -1 after a signal.
  int wait() {
    if (process_ > 0) ::waitpid(process_, &status_, 0);
    process_ = 0;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }

 private:
  ::pid_t process_ = 0;
  int status_ = 0;
};

}  // namespace qgrain::testing

#endif
