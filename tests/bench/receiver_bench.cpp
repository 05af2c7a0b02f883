// How many notifications a receiver takes: small ones from several connections while another client reads
// them all by long polling, the same beside clients that are slow in sending and in reading, and ones of a
// megabyte; and what it says to what is no notification. Says what was accepted, how fast, and that the
// reader missed none; ends with 1 where anything was lost or taken that must not be. Server, senders and
// reader share the machine. Usage: receiver_bench [SECONDS]
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "verifiers/receiver.hpp"
#include "verifiers/receiver_client.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;

namespace {

using Clock = std::chrono::steady_clock;

/// As Alertmanager sends it, with one firing and one resolved alert; `padding` bytes of annotation on top.
std::string webhook(std::size_t padding) {
  const std::string alert =
      R"({"status":"firing","labels":{"alertname":"HighErrorRate","instance":"api:8080","job":"api","severity":"critical",)"
      R"("service":"api"},"annotations":{"description":"More than 5% of the requests were answered with a 5xx.","summary":"api )"
      R"(answers 29.85% of its requests with an error","runbook_url":"https://example.org/runbooks/HighErrorRate"},)"
      R"("startsAt":"2026-11-21T04:30:07.705Z","endsAt":"0001-01-01T00:00:00Z",)"
      R"("generatorURL":"http://prometheus:9090/graph?g0.expr=up&g0.tab=1","fingerprint":"0123456789abcdef"})";
  return R"({"receiver":"obsctl","status":"firing","alerts":[)" + alert + "," + alert +
         R"(],"groupLabels":{"alertname":"HighErrorRate"},"commonLabels":{"alertname":"HighErrorRate"},)"
         R"("commonAnnotations":{"padding":")" +
         std::string(padding, 'x') +
         R"("},"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{}:{alertname=\"HighErrorRate\"}",)"
         R"("truncatedAlerts":0})";
}

/// One connection to the receiver. What fails ends the program: nothing it would measure then means anything.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// False when the other end has closed it.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// Of the next answer, which is short and comes in one piece on loopback; 0: none came.
  int status() const {
    std::array<char, 4096> answer{};
    const ssize_t n = ::recv(socket_, answer.data(), answer.size() - 1, 0);
    int status = 0;
    return n > 0 && std::sscanf(answer.data(), "HTTP/1.1 %d", &status) == 1 ? status : 0;
  }

 private:
  const int socket_;
};

std::string post(std::string_view path, const std::string& body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      path, body.size(), body);
}

/// Posts the same again and again until `until`. Returns how many were answered 200.
std::uint64_t post_until(std::uint16_t port, const std::string& body, Clock::time_point until) {
  const Connection connection(port);
  const std::string request = post("/webhook/bench", body);
  std::uint64_t accepted = 0;
  while (Clock::now() < until) {
    if (!connection.send(request)) std::abort();
    if (connection.status() == 200) ++accepted;
  }
  return accepted;
}

/// Posts from many connections, some bytes of each at a time, over `duration`. Returns how many were answered
/// 200.
std::uint64_t trickle(std::uint16_t port, const std::string& body, std::chrono::nanoseconds duration,
                      std::size_t connections) {
  constexpr std::size_t steps = 50;
  const std::string request = post("/webhook/slow", body);
  const std::size_t step = request.size() / steps + 1;
  std::vector<std::unique_ptr<Connection>> clients;
  for (std::size_t i = 0; i < connections; ++i) clients.push_back(std::make_unique<Connection>(port));
  for (std::size_t sent = 0; sent < request.size(); sent += step) {
    for (const auto& client : clients) {
      if (!client->send(std::string_view(request).substr(sent, step))) std::abort();
    }
    std::this_thread::sleep_for(duration / steps);
  }
  return static_cast<std::uint64_t>(std::count_if(
      clients.begin(), clients.end(), [](const auto& client) { return client->status() == 200; }));
}

struct Outcome {
  std::uint64_t accepted = 0, read = 0, dropped = 0;
  std::uint64_t slow = 0;  ///< of `accepted`, those that came slowly
  double seconds = 0;
  double cpu_seconds = 0;  ///< of all threads: receiver, senders and reader
};

/// Of this process, so far.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// `slow` clients send one notification each over the whole time, and as many ask for all there is and never
/// read it.
Outcome measure(const std::string& body, std::chrono::nanoseconds duration, int connections,
                std::size_t slow = 0) {
  obsctl::core::SystemClock clock;
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  auto receiver =
      Receiver::start({.max_notifications = 10'000'000, .max_bytes = std::size_t{4} << 30}, clock, log);
  if (!receiver) std::abort();
  std::atomic<bool> sent{false};
  const double cpu_before = cpu_seconds();
  Outcome outcome;
  std::thread reader([&] {
    ReceiverClient client((*receiver)->url());
    std::uint64_t seen = 0;
    for (bool last = false; !last;) {
      last = sent;
      for (bool more = true; more;) {
        const auto some = client.next(seen, 100ms);
        if (!some) std::abort();
        for (const Notification& notification : *some) {
          if (notification.sequence != ++seen) std::abort();
        }
        more = !some->empty();
      }
    }
    outcome.read = seen;
  });
  const auto begin = Clock::now();
  std::vector<std::thread> senders;
  std::atomic<std::uint64_t> accepted{0};
  for (int i = 0; i < connections; ++i) {
    senders.emplace_back([&] { accepted += post_until((*receiver)->port(), body, begin + duration); });
  }
  std::vector<std::unique_ptr<Connection>> deaf;
  for (std::size_t i = 0; i < slow; ++i) {
    deaf.push_back(std::make_unique<Connection>((*receiver)->port()));
    if (!deaf.back()->send("GET /api/v1/notifications HTTP/1.1\r\nHost: bench\r\n\r\n")) std::abort();
  }
  if (slow > 0) outcome.slow = trickle((*receiver)->port(), body, duration, slow);
  for (std::thread& sender : senders) sender.join();
  outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  sent = true;
  reader.join();
  outcome.cpu_seconds = cpu_seconds() - cpu_before;
  outcome.accepted = accepted + outcome.slow;
  outcome.dropped = (*receiver)->counts().dropped;
  return outcome;
}

bool report(const char* what, const std::string& body, const Outcome& outcome) {
  fmt::print(
      "{}: {} bytes each: {:.0f} notifications/s, {:.1f} MB/s, {:.0f} µs of CPU each; {} accepted, {} read, "
      "{} "
      "dropped\n",
      what, body.size(), static_cast<double>(outcome.accepted) / outcome.seconds,
      static_cast<double>(outcome.accepted) * static_cast<double>(body.size()) / outcome.seconds / 1e6,
      outcome.cpu_seconds * 1e6 / static_cast<double>(outcome.accepted), outcome.accepted, outcome.read,
      outcome.dropped);
  return outcome.accepted == outcome.read && outcome.dropped == 0;
}

/// What is no notification is told so, is not recorded, and leaves the receiver well.
bool refuses() {
  obsctl::core::SystemClock clock;
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  const auto receiver = Receiver::start({}, clock, log);
  if (!receiver) std::abort();
  const std::string whole = webhook(0);
  struct Row {
    const char* what;
    std::string request;
    int status;
  };
  const std::vector<Row> rows = {
      {"cut off JSON", post("/webhook/bench", whole.substr(0, whole.size() / 2)), 400},
      {"another kind's JSON", post("/slack/bench", "[1]"), 400},
      {"no JSON", post("/webhook/bench", "\xff\xfe"), 400},
      {"nesting without end", post("/webhook/bench", std::string(1 << 20, '[')), 400},
      {"9 MB, announced", "POST /webhook/bench HTTP/1.1\r\nHost: b\r\nContent-Length: 9000000\r\n\r\n", 413},
      {"a kind that there is not", post("/pigeon/bench", whole), 404},
      {"no request", "NONSENSE\r\n\r\n", 400},
      {"a notification", post("/webhook/bench", whole), 200}};
  bool well = true;
  for (const Row& row : rows) {
    const Connection connection((*receiver)->port());
    if (!connection.send(row.request)) std::abort();
    const int status = connection.status();
    fmt::print("{}: {}\n", row.what, status);
    well = well && status == row.status;
  }
  return well && (*receiver)->counts().accepted == 1;
}

}  // namespace

int main(int argc, char** argv) {
  // A client may take 10 s for a request, and the slow ones take all of the time.
  const auto duration = std::chrono::seconds(argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 9) : 3);
  const std::string small = webhook(0), large = webhook(1u << 20);
  bool well = report("small", small, measure(small, duration, 8));
  constexpr std::size_t slow = 200;
  const Outcome beside_slow = measure(small, duration, 8, slow);
  well = report("small, beside 200 slow senders and 200 that never read", small, beside_slow) && well;
  fmt::print("of the slow ones: {} accepted\n", beside_slow.slow);
  well = report("large", large, measure(large, duration, 2)) && well;
  return refuses() && well && beside_slow.slow == slow ? 0 : 1;
}
