// How many notifications a receiver takes: small ones from several connections while another client reads
// them all by long polling, then ones of a megabyte. Says what was accepted, how fast, and that the reader
// missed none. Server, senders and reader share the machine. Usage: receiver_bench [SECONDS]
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
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

/// One keep-alive connection that posts the same request again and again until `until`. Returns how many were
/// answered 200.
std::uint64_t post_until(std::uint16_t port, const std::string& body, Clock::time_point until) {
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  const std::string request = fmt::format(
      "POST /webhook/bench HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "
      "{}\r\n\r\n{}",
      body.size(), body);
  std::uint64_t accepted = 0;
  std::string answer(4096, '\0');
  while (Clock::now() < until) {
    for (std::size_t sent = 0; sent < request.size();) {
      const ssize_t n = ::send(connection, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) std::abort();
      sent += static_cast<std::size_t>(n);
    }
    // Answers are short and come in one piece on loopback.
    const ssize_t n = ::recv(connection, answer.data(), answer.size(), 0);
    if (n <= 0) std::abort();
    if (std::string_view(answer.data(), static_cast<std::size_t>(n)).starts_with("HTTP/1.1 200")) ++accepted;
  }
  ::close(connection);
  return accepted;
}

struct Outcome {
  std::uint64_t accepted = 0, read = 0, dropped = 0;
  double seconds = 0;
};

Outcome measure(const std::string& body, std::chrono::nanoseconds duration, int connections) {
  obsctl::core::SystemClock clock;
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  auto receiver =
      Receiver::start({.max_notifications = 10'000'000, .max_bytes = std::size_t{4} << 30}, clock, log);
  if (!receiver) std::abort();
  std::atomic<bool> sent{false};
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
  for (std::thread& sender : senders) sender.join();
  outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  sent = true;
  reader.join();
  outcome.accepted = accepted;
  outcome.dropped = (*receiver)->counts().dropped;
  return outcome;
}

bool report(const char* what, const std::string& body, const Outcome& outcome) {
  fmt::print("{}: {} bytes each: {:.0f} notifications/s, {:.1f} MB/s; {} accepted, {} read, {} dropped\n",
             what, body.size(), static_cast<double>(outcome.accepted) / outcome.seconds,
             static_cast<double>(outcome.accepted) * static_cast<double>(body.size()) / outcome.seconds / 1e6,
             outcome.accepted, outcome.read, outcome.dropped);
  return outcome.accepted == outcome.read && outcome.dropped == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto duration = std::chrono::seconds(argc > 1 ? std::max(1, std::atoi(argv[1])) : 3);
  const std::string small = webhook(0), large = webhook(1u << 20);
  const bool small_well = report("small", small, measure(small, duration, 8));
  const bool large_well = report("large", large, measure(large, duration, 2));
  return small_well && large_well ? 0 : 1;
}
