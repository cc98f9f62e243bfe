// The pool of threads: failures of bodies, use after one, and a system that has no more threads.
#include <support/inputs.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/quantizer.hpp>

#include <boost/test/unit_test.hpp>

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

std::atomic<int> threads_left{1000};

}  // namespace

// Stands before the system's function of this name: refuses threads once `threads_left` have been made.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* context) {
  using function = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (threads_left.fetch_sub(1) <= 0) return EAGAIN;
  return reinterpret_cast<function*>(dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, start, context);
}

using qgrain::thread_pool;

BOOST_AUTO_TEST_CASE(every_task_runs_once) {
  thread_pool pool(4);
  BOOST_TEST(pool.threads() == 4);
  std::vector<std::atomic<int>> counts(1000);
  for (int round = 0; round < 20; ++round) pool.run(1000, [&](std::int64_t task) { ++counts[std::size_t(task)]; });
  for (const std::atomic<int>& count : counts) BOOST_TEST(count == 20);
}

BOOST_AUTO_TEST_CASE(the_failure_of_the_smallest_task_is_rethrown) {
  thread_pool pool(4);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    const auto body = [&](std::int64_t task) {
      ++ran;
      if (task % 7 == 3) throw std::runtime_error(std::to_string(task));
    };
    BOOST_CHECK_EXCEPTION(pool.run(100, body), std::runtime_error,
                          [](const std::runtime_error& failure) { return failure.what() == std::string("3"); });
    BOOST_TEST(ran == 100);
    // The pool is as good as new.
    std::atomic<std::int64_t> sum{0};
    pool.run(100, [&](std::int64_t task) { sum += task; });
    BOOST_TEST(sum == 4950);
  }
}

BOOST_AUTO_TEST_CASE(a_refused_thread_is_an_error) {
  for (int granted = 0; granted < 5; ++granted) {
    threads_left = granted;
    BOOST_CHECK_EXCEPTION(thread_pool(8), std::system_error, [](const std::system_error& failure) {
      return failure.code() == std::errc::resource_unavailable_try_again;
    });
  }
  threads_left = 1000;
  thread_pool pool(8);
  BOOST_TEST(pool.threads() == 8);
}

// As OpenMP or an engine's pool would be brought: other threads, another order.
class backwards final : public qgrain::task_runner {
 public:
  [[nodiscard]] int threads() const noexcept override { return 2; }
  std::int64_t ran = 0;

 private:
  void run_tasks(std::int64_t tasks, void (*call)(void*, std::int64_t), void* context) override {
    ran += tasks;
    std::thread([&] {
      for (std::int64_t task = tasks - 1; task >= 0; --task) call(context, task);
    }).join();
  }
};

BOOST_AUTO_TEST_CASE(an_engine_brings_its_own_threads) {
  using Q = qgrain::quantizer<qgrain::int8, qgrain::per_tensor>;
  const std::vector<float> x = qgrain_test::bell_values(2, 600 * 300);
  const qgrain::matrix_view<const float> in{x.data(), {600, 300}};
  const auto expected = qgrain::quantize<Q>(qgrain::on_host{}, in);
  backwards runner;
  const auto found = qgrain::quantize<Q>(runner, in);
  BOOST_TEST(found.codes == expected.codes);
  BOOST_TEST(found.scales == expected.scales);
  BOOST_TEST(runner.ran > 2);  // the ranges in two parts, the codes in chunks
}
