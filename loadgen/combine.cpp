// Merging and comparing.
#include "loadgen/combine.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace obsctl::loadgen {

namespace {

core::Error cannot_add(std::string why, std::string hint) {
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("these results cannot be added: {}", why), std::move(hint));
}

core::Result<void> check_parts(const std::vector<Summary>& parts) {
  if (parts.empty()) return cannot_add("there are none", "give the files that obsctl load run --json wrote");
  std::set<std::int64_t> stripes;
  const Summary& first = parts.front();
  for (const Summary& part : parts) {
    if (part.target != first.target) {
      return cannot_add(fmt::format("one loaded {}, another {}", first.target, part.target),
                        "merge results of one target");
    }
    if (part.closed_loop != first.closed_loop) {
      return cannot_add("one is a closed loop, another is not", "their response times mean different things");
    }
    if (part.stripe_count != first.stripe_count) {
      return cannot_add(
          fmt::format("one took one of {} stripes, another one of {}", first.stripe_count, part.stripe_count),
          "start all generators with the same --stripe …/N");
    }
    if (part.stripe_count > 1 && (part.arrivals != first.arrivals || part.seed != first.seed)) {
      return cannot_add("they are stripes of different schedules",
                        "start all generators with the same rate and seed");
    }
    if (part.stripe_count > 1 && !stripes.insert(part.stripe_index).second) {
      return cannot_add(fmt::format("stripe {}/{} is there twice", part.stripe_index + 1, part.stripe_count),
                        "give each result once");
    }
    const bool apart = part.started_at > first.started_at + first.elapsed ||
                       first.started_at > part.started_at + part.elapsed;
    if (apart)
      return cannot_add("they did not run at the same time", "compare them with obsctl load compare");
  }
  return {};
}

void add_part(Summary& sum, const Summary& part) {
  sum.counts += part.counts;
  // Layouts are equal: summary_from_json lets no other in.
  (void)sum.response_time.add(part.response_time);
  (void)sum.service_time.add(part.service_time);
  (void)sum.schedule_lag.add(part.schedule_lag);
  (void)sum.pool_wait.add(part.pool_wait);
  (void)sum.connect_time.add(part.connect_time);
  sum.bytes_sent += part.bytes_sent;
  sum.bytes_received += part.bytes_received;
  sum.connections_opened += part.connections_opened;
  sum.cpu += part.cpu;
  sum.threads += part.threads;
  sum.asked_rate += part.asked_rate;
  sum.achieved_rate += part.achieved_rate;
  sum.started_at = std::min(sum.started_at, part.started_at);
  sum.elapsed = std::max(sum.elapsed, part.elapsed);
  sum.drained = std::max(sum.drained, part.drained);
  sum.stopped_early = sum.stopped_early || part.stopped_early;
  for (const auto& [status, n] : part.statuses) sum.statuses[status] += n;
  for (const auto& [failure, n] : part.failures) sum.failures[failure] += n;
  if (part.generator_limited.limited) sum.generator_limited = part.generator_limited;
  if (!part.broken_invariant.empty()) sum.broken_invariant = part.broken_invariant;
  for (const EndpointSummary& endpoint : part.endpoints) {
    const auto known = std::find_if(sum.endpoints.begin(), sum.endpoints.end(),
                                    [&](const EndpointSummary& e) { return e.name == endpoint.name; });
    if (known == sum.endpoints.end()) {
      sum.endpoints.push_back(endpoint);
      continue;
    }
    known->counts += endpoint.counts;
    (void)known->response_time.add(endpoint.response_time);
    (void)known->service_time.add(endpoint.service_time);
  }
}

/// A metric of a window, of a whole, and which way is better.
struct Metric {
  const char* name;
  double (*of_window)(const Window&);
  double (*of_whole)(const Summary&);
  bool more_is_better;
  double least_step;  ///< a smaller move is none, whatever the windows say
};

double ns(core::Nanoseconds duration) {
  return static_cast<double>(duration.count());
}

double rate_of(const Window& w) {
  const double seconds = core::to_seconds(w.length);
  return seconds > 0 ? static_cast<double>(w.counts.sent) / seconds : 0;
}

const Metric kMetrics[] = {
    {"response_p50", [](const Window& w) { return ns(w.p50); },
     [](const Summary& s) { return ns(s.response_time.quantile(0.5)); }, false, 1'000},
    {"response_p95", [](const Window& w) { return ns(w.p95); },
     [](const Summary& s) { return ns(s.response_time.quantile(0.95)); }, false, 1'000},
    {"response_p99", [](const Window& w) { return ns(w.p99); },
     [](const Summary& s) { return ns(s.response_time.quantile(0.99)); }, false, 1'000},
    {"error_ratio", [](const Window& w) { return w.counts.error_ratio(); },
     [](const Summary& s) { return s.counts.error_ratio(); }, false, 0.001},
    {"achieved_rate", rate_of, [](const Summary& s) { return s.achieved_rate; }, true, 0},
};

std::vector<double> series(const Summary& summary, const Metric& metric) {
  std::vector<double> values;
  for (const Window& window : summary.windows) {
    if (window.index == 0 || window.length < std::chrono::milliseconds(900) || window.counts.completed() == 0)
      continue;
    values.push_back(metric.of_window(window));
  }
  return values;
}

}  // namespace

core::Result<Summary> merge(const std::vector<Summary>& parts) {
  const auto checked = check_parts(parts);
  if (!checked) return checked.error();
  Summary sum = parts.front();
  sum.windows.clear();
  sum.phases.clear();
  for (std::size_t i = 1; i < parts.size(); ++i) add_part(sum, parts[i]);
  if (static_cast<std::int64_t>(parts.size()) == sum.stripe_count) {
    sum.stripe_index = 0;
    sum.stripe_count = 1;
  }
  return sum;
}

double mann_whitney(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) return 1;
  std::vector<std::pair<double, bool>> all;
  for (const double x : a) all.emplace_back(x, true);
  for (const double x : b) all.emplace_back(x, false);
  std::sort(all.begin(), all.end());
  const auto n = static_cast<double>(all.size());
  double ranks_of_a = 0;
  double ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t j = i;
    while (j < all.size() && all[j].first == all[i].first) ++j;
    const double rank = (static_cast<double>(i + 1) + static_cast<double>(j)) / 2;
    const auto t = static_cast<double>(j - i);
    ties += t * t * t - t;
    for (std::size_t k = i; k < j; ++k) ranks_of_a += all[k].second ? rank : 0;
    i = j;
  }
  const auto na = static_cast<double>(a.size());
  const auto nb = static_cast<double>(b.size());
  const double u = ranks_of_a - na * (na + 1) / 2;
  const double variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));
  if (variance <= 0) return 1;
  const double z = std::max(0.0, std::abs(u - na * nb / 2) - 0.5) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

Comparison compare(const Summary& before, const Summary& after, double tolerance) {
  constexpr std::size_t kFewest = 5;
  Comparison result;
  bool any_better = false;
  bool any_worse = false;
  bool any_known = false;
  for (const Metric& metric : kMetrics) {
    Comparison::Row row{metric.name, metric.of_whole(before), metric.of_whole(after), 1, Change::unknown};
    const auto a = series(before, metric);
    const auto b = series(after, metric);
    if (a.size() >= kFewest && b.size() >= kFewest) {
      any_known = true;
      row.p_value = mann_whitney(a, b);
      const double step = std::abs(row.after - row.before);
      const bool moved =
          step > tolerance * std::abs(row.before) && step > metric.least_step && row.p_value < 0.01;
      const bool up = row.after > row.before;
      row.change = !moved ? Change::same : up == metric.more_is_better ? Change::better : Change::worse;
      any_better = any_better || row.change == Change::better;
      any_worse = any_worse || row.change == Change::worse;
    }
    result.rows.push_back(std::move(row));
  }
  result.verdict = any_worse    ? Change::worse
                   : any_better ? Change::better
                   : any_known  ? Change::same
                                : Change::unknown;
  if (!any_known) result.doubt = "each run must have at least five full one-second windows besides its first";
  if (before.generator_limited.limited || after.generator_limited.limited) {
    result.doubt = "a generator was limited, so the figures are not the target's alone";
  } else if (before.arrivals != after.arrivals) {
    result.doubt = fmt::format("the loads differ: {} and {}", before.arrivals, after.arrivals);
  }
  return result;
}

}  // namespace obsctl::loadgen
