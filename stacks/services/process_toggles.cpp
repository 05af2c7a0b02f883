// memory-leak, cpu-burn and log-burst: what goes wrong beside the requests. Each has a thread of its own,
// which ends when the toggle goes off, and by itself when the TTL has passed, even when no request comes that
// would have it noticed.
#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "stacks/services/fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

using core::Nanoseconds;
using core::SteadyTime;
using namespace std::chrono_literals;

constexpr int kMostBytes = 1 << 30;
/// How often memory is taken, and the pieces that a core's time is burnt in.
constexpr Nanoseconds kSlice = 20ms;
constexpr int kMostLines = 100'000;

/// Runs `step` every `period` until `ttl` has passed or the thread is told to stop. `step` gets the time
/// since the start.
template <class Step>
std::jthread every(Nanoseconds period, Nanoseconds ttl, Step step) {
  return std::jthread([period, ttl, step = std::move(step)](const std::stop_token& stop) mutable {
    core::SystemClock clock;
    const SteadyTime start = clock.steady_now();
    SteadyTime next = start;
    while (clock.sleep_until(std::min(next, start + ttl), stop) && clock.steady_now() < start + ttl) {
      step(clock.steady_now() - start, stop);
      next += period;
    }
  });
}

std::uint64_t due(Nanoseconds elapsed, int per_second) {
  return static_cast<std::uint64_t>(core::to_seconds(elapsed) * per_second);
}

/// Address space for all of it, of which the thread touches more and more; given back in one piece.
class Mapping {
 public:
  explicit Mapping(std::size_t size)
      : size_(size),
        start_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                      0)) {}
  ~Mapping() {
    if (start_ != MAP_FAILED) ::munmap(start_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void touch_up_to(std::size_t end) {
    if (start_ == MAP_FAILED) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (; touched_ < std::min(end, size_); touched_ += page)
      static_cast<volatile char*>(start_)[touched_] = 1;
  }

 private:
  const std::size_t size_;
  void* const start_;
  std::size_t touched_ = 0;
};

class MemoryLeak final : public Fault {
 public:
  MemoryLeak(int bytes_per_second, int ceiling) : bytes_per_second_(bytes_per_second), ceiling_(ceiling) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["bytes_per_second"] = bytes_per_second_;
    state["ceiling_bytes"] = ceiling_;
  }
  void start(Nanoseconds ttl) override {
    // The mapping is the thread's, and goes with it.
    auto leaked = std::make_unique<Mapping>(static_cast<std::size_t>(ceiling_));
    thread_ =
        every(kSlice, ttl,
              [rate = bytes_per_second_, leaked = std::move(leaked)](
                  Nanoseconds elapsed, const std::stop_token&) { leaked->touch_up_to(due(elapsed, rate)); });
  }

 private:
  const int bytes_per_second_;
  const int ceiling_;
  std::jthread thread_;
};

Nanoseconds cpu_time_of_this_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

class CpuBurn final : public Fault {
 public:
  explicit CpuBurn(double cores) : cores_(cores) {}

  void describe(nlohmann::ordered_json& state) const override { state["cores"] = cores_; }
  void start(Nanoseconds ttl) override {
    // By the thread's own clock, so that a core shared with others is not burnt less than was asked for.
    thread_ = every(kSlice, ttl, [cores = cores_](Nanoseconds elapsed, const std::stop_token& stop) {
      const Nanoseconds before = cpu_time_of_this_thread();
      const Nanoseconds target = std::min(core::scale(elapsed + kSlice, cores), before + kSlice);
      SplitMix64 numbers(1);
      [[maybe_unused]] volatile std::uint64_t burnt = 0;
      while (cpu_time_of_this_thread() < target && !stop.stop_requested()) {
        for (int i = 0; i < 2000; ++i) burnt = numbers.next();
      }
    });
  }

 private:
  const double cores_;
  std::jthread thread_;
};

class LogBurst final : public Fault {
 public:
  LogBurst(int lines_per_second, std::string_view level, const FaultContext& context)
      : lines_per_second_(lines_per_second), level_(level), clock_(context.clock), write_(context.log_line) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["lines_per_second"] = lines_per_second_;
    state["level"] = level_;
  }
  void start(Nanoseconds ttl) override {
    thread_ = every(
        10ms, ttl,
        [this, written = std::uint64_t{0}](Nanoseconds elapsed, const std::stop_token& stop) mutable {
          const std::string time = core::format_utc(clock_.wall_now());
          for (; written < due(elapsed, lines_per_second_) && !stop.stop_requested(); ++written)
            write_(fmt::format(
                R"({{"time":"{}","level":"{}","message":"this line was injected by the toggle log-burst","line":{}}})"
                "\n",
                time, level_, written + 1));
        });
  }

 private:
  const int lines_per_second_;
  const std::string_view level_;
  const core::Clock& clock_;
  const std::function<void(std::string_view line)> write_;
  std::jthread thread_;  ///< last, so that it ends before what it uses
};

}  // namespace

std::unique_ptr<Fault> read_memory_leak(FieldReader& fields, const FaultContext&) {
  const int rate = fields.integer("bytes_per_second", 1, kMostBytes, std::nullopt);
  const int ceiling = fields.integer("ceiling_bytes", 1, kMostBytes, 256 << 20);
  return std::make_unique<MemoryLeak>(rate, ceiling);
}

std::unique_ptr<Fault> read_cpu_burn(FieldReader& fields, const FaultContext&) {
  return std::make_unique<CpuBurn>(fields.number("cores", 0.01, 1, std::nullopt));
}

std::unique_ptr<Fault> read_log_burst(FieldReader& fields, const FaultContext& context) {
  static constexpr std::array<std::string_view, 3> levels{"info", "warn", "error"};
  const int lines = fields.integer("lines_per_second", 1, kMostLines, std::nullopt);
  const std::size_t level = fields.choice("level", {levels.begin(), levels.end()}, 2);
  return std::make_unique<LogBurst>(lines, levels[level], context);
}

}  // namespace obsctl::stacks
