// Whether a loop sleeps while it waits, as the kernel sees its thread: however busy the machine is.
#include "core/event_loop.hpp"

#include <fstream>
#include <future>
#include <sstream>

#include <unistd.h>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::core;

namespace {

struct Running {
  explicit Running(Nanoseconds awake) : loop(EventLoop::create().value()) {
    loop->busy_poll(awake);
    thread = run_on_own_thread(*loop);
    std::promise<pid_t> id;
    loop->mailbox()->post([&id] { id.set_value(::gettid()); });
    thread_id = id.get_future().get();
  }
  ~Running() {
    loop->mailbox()->post([this] { loop->stop(); });
    thread.join();
  }

  /// 'R': running, or it would if it had a core; 'S': asleep. See proc(5).
  char state() const {
    std::ifstream file("/proc/self/task/" + std::to_string(thread_id) + "/stat");
    std::stringstream text;
    text << file.rdbuf();
    return text.str().at(text.str().rfind(')') + 2);
  }

  std::unique_ptr<EventLoop> loop;
  std::thread thread;
  pid_t thread_id = 0;
};

}  // namespace

TEST_CASE("a loop that waits awake does not sleep") {
  const Running running(1h);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(running.state() == 'R');
    std::this_thread::sleep_for(1ms);
  }
}

TEST_CASE("a loop sleeps while nothing happens, after it has waited awake for as long as it was told") {
  const Nanoseconds awake = GENERATE(0ms, 20ms);
  const Running running(awake);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (running.state() != 'S' && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
  CHECK(running.state() == 'S');
}
