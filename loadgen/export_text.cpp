// CSV and Prometheus text.
#include "loadgen/export_text.hpp"

#include <fmt/format.h>

namespace obsctl::loadgen {

std::string windows_csv(const std::vector<Window>& windows) {
  std::string out =
      "start_s,length_s,scheduled,sent,ok,http_error,check_failed,timeout,connection_error,dropped,shed,"
      "unsent,"
      "p50_s,p95_s,p99_s,max_s,lag_p99_s,in_flight,bytes_received\r\n";
  for (const Window& w : windows) {
    const Counts& c = w.counts;
    out += fmt::format("{},{:.3f},{},{},{},{},{},{},{},{},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{},{}\r\n",
                       w.index, core::to_seconds(w.length), c.scheduled, c.sent, c.ok, c.http_error,
                       c.check_failed, c.timeout, c.connection_error, c.dropped, c.shed, c.unsent_at_end,
                       core::to_seconds(w.p50), core::to_seconds(w.p95), core::to_seconds(w.p99),
                       core::to_seconds(w.max), core::to_seconds(w.lag_p99), w.in_flight, w.bytes_received);
  }
  return out;
}

std::string prometheus_text(const Statistics& statistics, double asked_rate, bool finished) {
  std::string out;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help) {
    out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  };
  const Counts& c = statistics.counts;
  family("obsctl_load_scheduled_total", "counter", "Arrivals that were due.");
  out += fmt::format("obsctl_load_scheduled_total {}\n", c.scheduled);
  family("obsctl_load_sent_total", "counter", "Requests handed to a connection.");
  out += fmt::format("obsctl_load_sent_total {}\n", c.sent);
  family("obsctl_load_lost_total", "counter", "Arrivals that were given up before they were sent.");
  out += fmt::format(
      "obsctl_load_lost_total{{reason=\"dropped\"}} {}\nobsctl_load_lost_total{{reason=\"shed\"}} {}\n",
      c.dropped, c.shed);
  family("obsctl_load_requests_total", "counter", "Requests that are done, by how they ended.");
  const std::pair<const char*, std::int64_t> endings[] = {{"ok", c.ok},
                                                          {"http_error", c.http_error},
                                                          {"check_failed", c.check_failed},
                                                          {"timeout", c.timeout},
                                                          {"connection_error", c.connection_error}};
  for (const auto& [name, n] : endings)
    out += fmt::format("obsctl_load_requests_total{{outcome=\"{}\"}} {}\n", name, n);
  family("obsctl_load_in_flight", "gauge", "Requests sent and not done.");
  out += fmt::format("obsctl_load_in_flight {}\n", c.in_flight_at_end);
  family("obsctl_load_waiting", "gauge", "Arrivals that are due and wait for a connection.");
  out += fmt::format("obsctl_load_waiting {}\n", c.unsent_at_end);
  family("obsctl_load_asked_rate", "gauge", "Arrivals a second that the schedule asks for.");
  out += fmt::format("obsctl_load_asked_rate {}\n", asked_rate);
  const std::pair<const char*, const Quantiles*> times[] = {{"response", &statistics.response_time},
                                                            {"service", &statistics.service_time},
                                                            {"schedule_lag", &statistics.schedule_lag},
                                                            {"pool_wait", &statistics.pool_wait}};
  for (const auto& [name, q] : times) {
    const std::string metric = fmt::format("obsctl_load_{}_seconds", name);
    family(metric, "summary", "Over the whole run so far.");
    const std::pair<const char*, core::Nanoseconds> figures[] = {{"0.5", q->p50},    {"0.9", q->p90},
                                                                 {"0.95", q->p95},   {"0.99", q->p99},
                                                                 {"0.999", q->p999}, {"1", q->max}};
    for (const auto& [quantile, value] : figures) {
      out += fmt::format("{}{{quantile=\"{}\"}} {}\n", metric, quantile, core::to_seconds(value));
    }
    out += fmt::format("{0}_sum {1}\n{0}_count {2}\n", metric,
                       core::to_seconds(q->mean) * static_cast<double>(q->count), q->count);
  }
  family("obsctl_load_finished", "gauge", "1 when the run is over.");
  out += fmt::format("obsctl_load_finished {}\n", finished ? 1 : 0);
  return out;
}

}  // namespace obsctl::loadgen
