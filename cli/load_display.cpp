// Formatting only: everything here is a pure function of results.
#include "cli/load_display.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace obsctl::cli {

using core::format_rounded;
using core::Nanoseconds;

namespace {

std::string clock_text(Nanoseconds elapsed) {
  const auto seconds = std::max<std::int64_t>(0, elapsed.count() / 1'000'000'000);
  return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
}

std::string percent(double ratio) {
  return ratio > 0 && ratio < 0.001 ? "<0.1%" : fmt::format("{:.1f}%", ratio * 100);
}

std::string times_row(const std::string& name, const loadgen::Quantiles& q) {
  if (q.count == 0)
    return fmt::format("  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", name, "-", "-", "-", "-", "-", "-");
  return fmt::format("  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", name, format_rounded(q.p50),
                     format_rounded(q.p90), format_rounded(q.p95), format_rounded(q.p99),
                     format_rounded(q.p999), format_rounded(q.max));
}

std::string counts_text(const loadgen::Counts& c) {
  std::string text = fmt::format("{} ok", c.ok);
  const std::pair<const char*, std::int64_t> others[] = {{"http errors", c.http_error},
                                                         {"checks failed", c.check_failed},
                                                         {"timeouts", c.timeout},
                                                         {"connection errors", c.connection_error},
                                                         {"in flight at the end", c.in_flight_at_end},
                                                         {"dropped", c.dropped},
                                                         {"shed", c.shed},
                                                         {"due and never sent", c.unsent_at_end}};
  for (const auto& [name, n] : others) {
    if (n > 0) text += fmt::format(", {} {}", n, name);
  }
  return text;
}

std::string change_word(loadgen::Change change) {
  switch (change) {
    case loadgen::Change::same:
      return "same";
    case loadgen::Change::better:
      return "better";
    case loadgen::Change::worse:
      return "WORSE";
    case loadgen::Change::unknown:
      return "unknown";
  }
  return {};
}

std::string figure(const std::string& metric, double value) {
  if (metric.rfind("response", 0) == 0) return format_rounded(Nanoseconds(static_cast<std::int64_t>(value)));
  if (metric == "error_ratio") return percent(value);
  return fmt::format("{:.1f}/s", value);
}

}  // namespace

std::string sparkline(const std::vector<double>& values) {
  constexpr const char* kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double highest = 0;
  for (const double value : values) highest = std::max(highest, value);
  std::string line;
  for (const double value : values) {
    const auto height = highest > 0 ? static_cast<std::size_t>(std::lround(value / highest * 7)) : 0;
    line += kHeights[std::min<std::size_t>(height, 7)];
  }
  return line;
}

std::string cut_to_columns(const std::string& line, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xc0) != 0x80;
    if (!begins || seen++ < columns) continue;
    const std::size_t gap = line.rfind("  ", i);
    return line.substr(0, gap == std::string::npos ? i : gap);
  }
  return line;
}

std::string load_live_line(const loadgen::Snapshot& snapshot, const std::vector<loadgen::Window>& windows) {
  double achieved = 0;
  double errors = 0;
  Nanoseconds p50{};
  Nanoseconds p99{};
  std::vector<double> heights;
  for (const loadgen::Window& window : windows) heights.push_back(static_cast<double>(window.p99.count()));
  // The running second is too short to say anything while it begins.
  const std::size_t shown =
      windows.size() > 1 && windows.back().length < std::chrono::milliseconds(500) ? 2 : 1;
  if (windows.size() >= shown) {
    const loadgen::Window& window = windows[windows.size() - shown];
    const double seconds = core::to_seconds(window.length);
    achieved = seconds > 0 ? static_cast<double>(window.counts.sent) / seconds : 0;
    errors = window.counts.error_ratio();
    p50 = window.p50;
    p99 = window.p99;
  }
  std::string rate = snapshot.asked_rate > 0 ? fmt::format("{:.0f}/{:.0f} rps", achieved, snapshot.asked_rate)
                                             : fmt::format("{:.0f} rps", achieved);
  std::string waiting;
  if (snapshot.counts.unsent_at_end > 0) waiting = fmt::format("  waiting {}", snapshot.counts.unsent_at_end);
  return fmt::format("{}  {}  err {}  p50 {}  p99 {}  in flight {}{}  {}", clock_text(snapshot.elapsed), rate,
                     percent(errors), format_rounded(p50), format_rounded(p99),
                     snapshot.counts.in_flight_at_end, waiting, sparkline(heights));
}

std::string load_summary_text(const loadgen::Summary& s) {
  const loadgen::Statistics all = s.statistics();
  std::string out = fmt::format("{}  {}  {}\n\n", s.target, s.arrivals, core::format_rounded(s.elapsed));
  out += fmt::format("  requests      {} due, {} sent: {}\n", s.counts.scheduled, s.counts.sent,
                     counts_text(s.counts));
  out += s.closed_loop
             ? fmt::format("  rate          {:.1f}/s\n", s.achieved_rate)
             : fmt::format("  rate          {:.1f}/s of {:.1f}/s asked\n", s.achieved_rate, s.asked_rate);
  out += fmt::format("  errors        {}", s.counts.completed() > 0 ? percent(s.counts.error_ratio()) : "-");
  std::string separator = "  (";
  for (const auto& [status, n] : s.statuses) {
    out += fmt::format("{}{}: {}", separator, status, n);
    separator = ", ";
  }
  for (const auto& [failure, n] : s.failures) {
    out += fmt::format("{}{}: {}", separator, failure, n);
    separator = ", ";
  }
  out += separator == ", " ? ")\n\n" : "\n\n";
  out +=
      fmt::format("  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "", "p50", "p90", "p95", "p99", "p99.9", "max");
  out += times_row("response time", all.response_time);
  out += times_row("service time", all.service_time);
  if (!s.closed_loop) out += times_row("schedule lag", all.schedule_lag);
  out += times_row("pool wait", all.pool_wait);
  if (s.endpoints.size() > 1) {
    out += "\n  by endpoint (response time)\n";
    for (const loadgen::EndpointSummary& endpoint : s.endpoints) {
      const loadgen::Quantiles q = loadgen::quantiles_of(endpoint.response_time);
      out += fmt::format("    {:<32}{:>9} sent  {:>6} errors  p50 {:>8}  p99 {:>8}\n", endpoint.name,
                         endpoint.counts.sent, percent(endpoint.counts.error_ratio()), format_rounded(q.p50),
                         format_rounded(q.p99));
    }
  }
  if (s.phases.size() > 1) {
    out += "\n  by phase (response time)\n";
    for (const loadgen::PhaseSummary& phase : s.phases) {
      const loadgen::Statistics& p = phase.statistics;
      out += fmt::format("    {:<32}{:>9} sent  {:>6} errors  p50 {:>8}  p99 {:>8}\n", phase.name,
                         p.counts.sent, percent(p.error_ratio()), format_rounded(p.response_time.p50),
                         format_rounded(p.response_time.p99));
    }
  }
  const double cpu = core::to_seconds(s.cpu);
  const double span = core::to_seconds(s.elapsed + s.drained);
  out += fmt::format("\n  generator     {:.1f}% of a core, {:.1f}us a request, {} connections opened\n",
                     span > 0 ? cpu / span * 100 : 0,
                     s.counts.sent > 0 ? cpu * 1e6 / static_cast<double>(s.counts.sent) : 0,
                     s.connections_opened);
  if (s.closed_loop)
    out += "  note          a closed loop waits for a slow target, so its times hide what users would see\n";
  // From here on the spin before an arrival begins before the last one is over (kSpin in loadgen/worker.cpp).
  constexpr double kSpinsAlways = 16'000;
  if (!s.closed_loop && s.pacing == "precise" && s.asked_rate / std::max(1, s.threads) >= kSpinsAlways)
    out += "  note          precise pacing at this rate keeps each sending thread's core busy\n";
  if (s.stopped_early) out += "  note          stopped before its end\n";
  if (s.generator_limited.limited) out += fmt::format("  INCONCLUSIVE  {}\n", s.generator_limited.reason);
  if (!s.broken_invariant.empty()) out += fmt::format("  DEFECT        {}\n", s.broken_invariant);
  return out;
}

std::string comparison_text(const loadgen::Comparison& comparison) {
  std::string out = fmt::format("  {:<16}{:>12}{:>12}{:>10}{:>10}\n", "", "before", "after", "change", "p");
  for (const auto& row : comparison.rows) {
    const double change = row.before != 0 ? (row.after / row.before - 1) * 100 : 0;
    out += fmt::format("  {:<16}{:>12}{:>12}{:>10}{:>10}  {}\n", row.metric, figure(row.metric, row.before),
                       figure(row.metric, row.after), row.before != 0 ? fmt::format("{:+.1f}%", change) : "-",
                       row.change == loadgen::Change::unknown ? "-" : fmt::format("{:.4f}", row.p_value),
                       change_word(row.change));
  }
  out += fmt::format("\n{}{}{}\n", change_word(comparison.verdict), comparison.doubt.empty() ? "" : ": ",
                     comparison.doubt);
  return out;
}

std::string capacity_text(const loadgen::Capacity& capacity, const std::string& condition) {
  std::string out = fmt::format("  {:>12}{:>12}{:>9}{:>10}{:>10}{:>10}\n", "asked", "achieved", "errors",
                                "p50", "p99", "p99.9");
  for (const loadgen::CapacityPoint& point : capacity.curve) {
    out += fmt::format("  {:>11.0f}/s{:>11.0f}/s{:>8}{:>10}{:>10}{:>10}  {}\n", point.asked, point.achieved,
                       percent(point.error_ratio), format_rounded(point.response_time.p50),
                       format_rounded(point.response_time.p99), format_rounded(point.response_time.p999),
                       point.generator_limited ? "generator limited"
                       : point.good            ? "good"
                                               : "too much");
  }
  if (capacity.knee == 0) return out + fmt::format("\nno rate met {}\n", condition);
  out += fmt::format("\n{} holds up to {:.0f}/s", condition, capacity.knee);
  return out + (capacity.upper_bound_found ? "\n" : "; no limit was found above that\n");
}

}  // namespace obsctl::cli
