// The verifiers against the real Prometheus and Alertmanager: exact transitions, the whole way to the
// receiver, and every stage of many alerts inside its derived budget.
//
// The service under watch is a function of time: its counters say what they would say under constant
// open-loop load, with the fault in from one exact moment to another. So what is measured is the chain's
// timing alone.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <signal.h>

#include "core/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/monitoring.hpp"
#include "verifiers/alert_observer.hpp"
#include "verifiers/receiver.hpp"
#include "verifiers/rule_timing.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::format_duration;
using obsctl::core::HttpExchange;
using obsctl::core::HttpServer;
using obsctl::core::Nanoseconds;
using obsctl::core::to_seconds;
using obsctl::tests::Monitoring;

namespace {

/// ε: with two busy cores under everything.
constexpr Nanoseconds kSlack = 500ms;

/// Latency histogram buckets of the quantile rule: a request is fast (0.05) or, in the fault, slow (0.3).
enum class Kind { errors, slow, down };

/// One set of intervals, with several services that break at different moments of its scrapes and
/// evaluations.
struct ParameterSet {
  std::string name;
  Kind kind;
  Nanoseconds window, scrape, evaluation, hold, keep, group_wait, group_interval;
  FaultStep fault;
  double threshold;
  /// All alerts of the set in one group, so that only the first opens it.
  bool shared_group;
};

const std::vector<ParameterSet>& parameter_sets() {
  static const std::vector<ParameterSet> sets = {
      {"plain", Kind::errors, 10s, 1s, 1s, 3s, 0s, 1s, 3s, {0, 0.3}, 0.05, false},
      {"odd", Kind::errors, 8s, 2s, 3s, 4s, 4s, 2s, 4s, {0.02, 0.5}, 0.2, false},
      {"shared", Kind::errors, 6s, 1s, 2s, 0s, 0s, 3s, 5s, {0, 0.25}, 0.1, true},
      {"weak", Kind::errors, 15s, 3s, 2s, 5s, 0s, 1s, 6s, {0.01, 0.1}, 0.08, false},
      {"slow", Kind::slow, 10s, 1s, 1s, 2s, 3s, 0s, 2s, {0, 0.4}, 0.05, false},
      {"down", Kind::down, 0s, 1s, 1s, 5s, 0s, 1s, 4s, {}, 0, false},
  };
  return sets;
}

constexpr int kServicesOfSet = 6;
constexpr double kRate = 200;  // requests a second

/// One service: broken from `injected` to `removed`.
struct Service {
  const ParameterSet* set = nullptr;
  std::string name;
  WallTime started, injected = WallTime::max(), removed = WallTime::max();

  Nanoseconds broken_until(WallTime now) const {
    return std::max(Nanoseconds::zero(), std::min(now, removed) - std::min(now, injected));
  }
  bool is_broken(WallTime now) const { return now >= injected && now < removed; }
  /// Its metrics at `now`, as they would be after constant load since the start.
  std::string metrics(WallTime now) const;
};

std::string Service::metrics(WallTime now) const {
  const double all = kRate * to_seconds(now - started);
  const double broken = kRate * to_seconds(broken_until(now));
  const double bad = (all - broken) * set->fault.before + broken * set->fault.during.value_or(0);
  const auto whole = [](double count) { return static_cast<std::int64_t>(std::floor(count)); };
  if (set->kind == Kind::slow) {
    return fmt::format(
        "# TYPE latency histogram\nlatency_bucket{{le=\"0.1\"}} {0}\nlatency_bucket{{le=\"0.25\"}} {0}\n"
        "latency_bucket{{le=\"0.5\"}} {1}\nlatency_bucket{{le=\"+Inf\"}} {1}\nlatency_sum 0\nlatency_count "
        "{1}\n",
        whole(all) - whole(bad), whole(all));
  }
  return fmt::format(
      "# TYPE requests_total counter\nrequests_total {}\n# TYPE errors_total counter\nerrors_total {}\n",
      whole(all), whole(bad));
}

std::string rule_of(const ParameterSet& set) {
  const std::string window = format_duration(set.window);
  switch (set.kind) {
    case Kind::errors:
      return fmt::format(
          "sum by (service) (rate(errors_total{{job=\"{0}\"}}[{1}])) / sum by (service) "
          "(rate(requests_total{{job=\"{0}\"}}[{1}])) > {2}",
          set.name, window, set.threshold);
    case Kind::slow:
      return fmt::format(
          "histogram_quantile({}, sum by (service, le) (rate(latency_bucket{{job=\"{}\"}}[{}]))) > 0.25",
          1 - set.threshold, set.name, window);
    case Kind::down:
      break;
  }
  return fmt::format("up{{job=\"{}\"}} == 0", set.name);
}

/// Everything of one run: services, their endpoint, receiver, Prometheus and Alertmanager.
class World {
 public:
  World() {
    const WallTime now = clock_.wall_now();
    for (const ParameterSet& set : parameter_sets()) {
      for (int i = 0; i < kServicesOfSet; ++i) {
        services_.push_back({&set, fmt::format("{}-{}", set.name, i), now});
      }
    }
    auto endpoint =
        HttpServer::start({}, [this](const std::shared_ptr<HttpExchange>& exchange) { scrape(*exchange); });
    REQUIRE(endpoint);
    endpoint_ = std::move(*endpoint);
    auto receiver = Receiver::start({}, clock_, log_);
    REQUIRE(receiver);
    receiver_ = std::move(*receiver);
    monitoring_.emplace(Monitoring::Config{prometheus_config(), rules(), alertmanager_config()});
  }

  /// Breaks each service at its own moment from `first` on, and mends it when the planner says it may be.
  void schedule(WallTime first, const std::map<std::string, Budget>& budgets) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < services_.size(); ++i) {
      Service& service = services_[i];
      // Steps that share no factor with the intervals: every phase of scrape and evaluation comes up.
      service.injected = first + static_cast<int>(i % kServicesOfSet) * 370ms + static_cast<int>(i) * 13ms;
      service.removed = service.injected + budgets.at(service.set->name).shortest_fault + kSlack +
                        static_cast<int>(i % 5) * 210ms;
    }
  }
  WallTime last_removal() const {
    WallTime last = WallTime::min();
    for (const Service& service : services_) last = std::max(last, service.removed);
    return last;
  }

  const std::vector<Service>& services() const { return services_; }
  Receiver& receiver() { return *receiver_; }
  Monitoring& monitoring() { return *monitoring_; }
  obsctl::core::SystemClock& clock() { return clock_; }

 private:
  void scrape(HttpExchange& exchange) {
    const WallTime now = clock_.wall_now();
    const std::lock_guard lock(mutex_);
    for (const Service& service : services_) {
      if (exchange.path() != "/" + service.name) continue;
      const bool refuses = service.set->kind == Kind::down && service.is_broken(now);
      return exchange.respond(refuses ? obsctl::core::HttpResponse{.status = 503}
                                      : obsctl::core::HttpResponse{.body = service.metrics(now)});
    }
    exchange.respond({.status = 404});
  }

  std::string prometheus_config() const {
    std::string yaml = "global: {external_labels: {cluster: test}}\nscrape_configs:\n";
    for (const ParameterSet& set : parameter_sets()) {
      yaml += fmt::format(
          "  - job_name: {0}\n    scrape_interval: {1}\n    scrape_timeout: {1}\n    static_configs:\n",
          set.name, format_duration(set.scrape));
      for (const Service& service : services_) {
        if (service.set != &set) continue;
        yaml += fmt::format(
            "      - targets: ['127.0.0.1:{0}']\n        labels: {{service: {1}, __metrics_path__: /{1}}}\n",
            endpoint_->port(), service.name);
      }
    }
    return yaml;
  }

  static std::string rules() {
    std::string yaml = "groups:\n";
    for (const ParameterSet& set : parameter_sets()) {
      yaml += fmt::format(
          "  - name: {0}\n    interval: {1}\n    rules:\n      - alert: Broken_{0}\n        expr: '{2}'\n    "
          "    for: {3}\n"
          "        keep_firing_for: {4}\n        labels: {{set: {0}}}\n",
          set.name, format_duration(set.evaluation), rule_of(set), format_duration(set.hold),
          format_duration(set.keep));
    }
    // One that cannot be evaluated: two series of the same labels once the names are dropped.
    return yaml +
           "  - name: unwell\n    interval: 1s\n    rules:\n      - alert: Unwell\n"
           "        expr: 'rate({__name__=~\"requests_total|errors_total\"}[10s]) > 1'\n";
  }

  std::string alertmanager_config() const {
    std::string yaml = "route:\n  receiver: nobody\n  routes:\n";
    for (const ParameterSet& set : parameter_sets()) {
      yaml += fmt::format(
          "    - matchers: [set=\"{0}\"]\n      receiver: {0}\n      group_by: [{1}]\n      group_wait: {2}\n"
          "      group_interval: {3}\n",
          set.name, set.shared_group ? "alertname" : "alertname, service", format_duration(set.group_wait),
          format_duration(set.group_interval));
    }
    yaml += "receivers:\n  - name: nobody\n";
    for (const ParameterSet& set : parameter_sets()) {
      yaml += fmt::format("  - name: {0}\n    webhook_configs: [{{url: '{1}'}}]\n", set.name,
                          receiver_->url_for(NotificationKind::webhook, set.name));
    }
    return yaml;
  }

  obsctl::core::SystemClock clock_;
  obsctl::core::Logger log_{obsctl::core::LogLevel::off};
  std::mutex mutex_;
  std::vector<Service> services_;
  std::unique_ptr<HttpServer> endpoint_;
  std::unique_ptr<Receiver> receiver_;
  std::optional<Monitoring> monitoring_;
};

/// What happened to one service's alert. Times are WallTime::min() until it has.
struct Story {
  std::vector<AlertTransition> transitions;
  WallTime notified = WallTime::min(), resolved = WallTime::min();
  WallTime starts_at = WallTime::min(), ends_at = WallTime::min();

  const AlertTransition* to(AlertState state) const {
    for (const AlertTransition& transition : transitions) {
      if (transition.to == state) return &transition;
    }
    return nullptr;
  }
};

using Stories = std::map<std::string, Story>;  // by service

void take_transitions(const Observation& observation, Stories& stories) {
  for (const AlertTransition& transition : observation.transitions) {
    stories[std::string(label_of(transition.labels, "service"))].transitions.push_back(transition);
  }
}

void take_notification(const Notification& notification, Stories& stories) {
  for (const NotifiedAlert& alert : notification.alerts) {
    Story& story = stories[std::string(label_of(alert.labels, "service"))];
    if (alert.status == NotifiedStatus::firing && story.notified == WallTime::min()) {
      story.notified = notification.received_at;
      story.starts_at = alert.starts_at;
    } else if (alert.status == NotifiedStatus::resolved && story.resolved == WallTime::min()) {
      story.resolved = notification.received_at;
      story.ends_at = alert.ends_at;
    }
  }
}

/// The budgets as a planner would derive them: from the APIs, knowing only the fault.
std::map<std::string, Budget> plan(World& world) {
  PrometheusClient prometheus(world.monitoring().prometheus_url());
  AlertmanagerClient alertmanager(world.monitoring().alertmanager_url());
  const auto groups = prometheus.rules();
  // Prometheus scrapes what it has discovered some seconds after its start.
  auto targets = prometheus.targets();
  for (int i = 0; i < 150 && targets && targets->size() < world.services().size(); ++i) {
    std::this_thread::sleep_for(100ms);
    targets = prometheus.targets();
  }
  const auto status = alertmanager.status();
  REQUIRE(groups);
  REQUIRE(targets);
  REQUIRE(status);
  const auto config = parse_alertmanager_config(status->config, "alertmanager.yml");
  REQUIRE(config);
  std::map<std::string, Budget> budgets;
  for (const ParameterSet& set : parameter_sets()) {
    CAPTURE(set.name);
    const auto group = std::find_if(groups->begin(), groups->end(),
                                    [&](const RuleGroup& one) { return one.name == set.name; });
    REQUIRE(group != groups->end());
    const Rule& rule = group->rules.at(0);
    RuleShape shape = recognise_rule(rule.query);
    if (!shape.histogram.empty()) {
      auto bounds = bucket_bounds(prometheus, shape.histogram);
      for (int i = 0; i < 100 && bounds && bounds->empty(); ++i) {  // not scraped yet
        std::this_thread::sleep_for(100ms);
        bounds = bucket_bounds(prometheus, shape.histogram);
      }
      REQUIRE(bounds);
      shape = with_buckets(shape, *bounds);
    }
    CHECK_FALSE(shape.loose);
    const auto routes = routes_for(*config, {{"alertname", rule.name}, {"set", set.name}, {"service", "x"}});
    REQUIRE(routes.size() == 1);
    const auto budget =
        derive_budget(shape, rule_timing(*group, rule, shape, *targets, *routes[0]), set.fault, kSlack);
    if (!budget) FAIL(to_string(budget.error()));
    budgets[set.name] = *budget;
  }
  return budgets;
}

bool is_complete(const World& world, const Stories& stories) {
  return std::all_of(world.services().begin(), world.services().end(), [&](const Service& service) {
    const auto story = stories.find(service.name);
    return story != stories.end() && story->second.resolved != WallTime::min() &&
           story->second.to(AlertState::inactive) != nullptr;
  });
}

/// Watches until every alert has come and gone, or `deadline`.
Stories watch(World& world, AlertObserver& observer, WallTime deadline) {
  Stories stories;
  std::uint64_t seen = 0;
  while (!is_complete(world, stories) && world.clock().wall_now() < deadline) {
    const auto observation = observer.poll();
    if (!observation) FAIL(to_string(observation.error()));
    take_transitions(*observation, stories);
    for (const Notification& notification :
         world.receiver().wait_after(seen, world.clock().steady_now() + 200ms)) {
      seen = notification.sequence;
      take_notification(notification, stories);
    }
  }
  return stories;
}

/// What was measured of one stage, all counted from the injection or from the removal, and its bounds.
struct Measured {
  StageWindow bounds;
  Nanoseconds least = Nanoseconds::max(), most = Nanoseconds::min();
};

struct SetMeasured {
  int alerts = 0;
  std::map<std::string, Measured> stages;

  void add(const char* stage, Nanoseconds measured, const StageWindow& window) {
    CAPTURE(stage, to_seconds(measured), to_seconds(window.earliest), to_seconds(window.latest));
    CHECK(window.contains(measured));
    Measured& entry = stages[stage];
    entry.bounds = window;
    entry.least = std::min(entry.least, measured);
    entry.most = std::max(entry.most, measured);
  }
};

using Table = std::map<std::string, SetMeasured>;  // by set

/// The windows have to be full of normal load first, and the first look has to find peace.
void wait_in_peace(World& world, AlertObserver& observer, WallTime until) {
  std::vector<ObserverFinding> findings;
  const auto first = observer.poll();
  REQUIRE(first);
  CHECK(first->transitions.empty());
  while (world.clock().wall_now() < until) {
    const auto look = observer.poll();
    REQUIRE(look);
    CHECK(look->transitions.empty());
    findings.insert(findings.end(), look->findings.begin(), look->findings.end());
    std::this_thread::sleep_for(500ms);
  }
  // The rule that cannot be evaluated has been found, and nothing else is wrong any more.
  const auto now_wrong = findings_in(*observer.last());
  REQUIRE(now_wrong.size() == 1);
  CHECK(now_wrong[0].kind == ObserverFinding::Kind::rule_unhealthy);
  CHECK(now_wrong[0].rule == "Unwell");
  CHECK(now_wrong[0].text.find("rule Unwell: its evaluation fails: vector") == 0);
  CHECK(std::find(findings.begin(), findings.end(), now_wrong[0]) != findings.end());
}

void check_story(const Service& service, const Story& story, const Budget& budget, SetMeasured& measured) {
  const ParameterSet& set = *service.set;
  // One of each, in order, all exact.
  std::vector<AlertState> states;
  for (const AlertTransition& transition : story.transitions) {
    states.push_back(transition.to);
    CHECK(transition.exact());
    CHECK_FALSE(transition.preexisting);
  }
  REQUIRE(states == std::vector<AlertState>{AlertState::pending, AlertState::firing, AlertState::inactive});
  const WallTime pending = story.transitions[0].at, firing = story.transitions[1].at,
                 inactive = story.transitions[2].at;
  REQUIRE(story.notified != WallTime::min());
  REQUIRE(story.resolved != WallTime::min());

  // What Prometheus told Alertmanager is what the observer found; on the wire are milliseconds.
  CHECK(std::chrono::abs(story.starts_at - firing) <= 1ms);
  CHECK(std::chrono::abs(story.ends_at - inactive) <= 1ms);
  CHECK(firing - pending == (set.hold + set.evaluation - 1ns) / set.evaluation * set.evaluation);

  ++measured.alerts;
  measured.add("pending", pending - service.injected, budget.pending);
  measured.add("firing", firing - service.injected, budget.firing);
  measured.add("notified", story.notified - service.injected,
               set.shared_group ? budget.notified_existing_group : budget.notified);
  measured.add("inactive", inactive - service.removed, budget.inactive);
  measured.add("resolved", story.resolved - service.removed, budget.resolved);
  if (set.shared_group) return;
  const Nanoseconds waited = story.notified - firing;
  CAPTURE(to_seconds(waited));
  CHECK(waited >= set.group_wait);
  CHECK(waited <= set.group_wait + kSlack);
}

/// Breaks and mends every service once; `round` moves the moments against the intervals' grids.
void measure_round(World& world, int round, Table& table) {
  const auto budgets = plan(world);
  PrometheusClient prometheus(world.monitoring().prometheus_url());
  AlertmanagerClient alertmanager(world.monitoring().alertmanager_url());
  AlertObserver observer(prometheus, &alertmanager, world.clock());
  const WallTime first_fault = world.services().front().started + 22s + round * 170ms;
  world.schedule(first_fault, budgets);
  wait_in_peace(world, observer, first_fault - 1s);
  const Stories stories = watch(world, observer, world.last_removal() + 40s);
  for (const Service& service : world.services()) {
    CAPTURE(service.name);
    const auto found = stories.find(service.name);
    REQUIRE(found != stories.end());
    check_story(service, found->second, budgets.at(service.set->name), table[service.set->name]);
  }

  // A Prometheus that is gone is an error, and what was seen stays.
  world.monitoring().prometheus().signal(SIGKILL);
  world.monitoring().prometheus().stop(1s);
  const auto look = observer.poll();
  REQUIRE_FALSE(look);
  CHECK(look.error().kind == ErrorKind::unavailable);
  CHECK(observer.last().has_value());
}

/// As docs/explanation/alert-timing.md has it: what was measured, in its bounds, in seconds.
void print(const Table& table) {
  fmt::print(
      "| set | alerts | pending | firing | notified | inactive | resolved "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const ParameterSet& set : parameter_sets()) {
    const SetMeasured& measured = table.at(set.name);
    fmt::print("| {} | {} |", set.name, measured.alerts);
    for (const char* stage : {"pending", "firing", "notified", "inactive", "resolved"}) {
      const Measured& one = measured.stages.at(stage);
      fmt::print(" {:.2f}–{:.2f} in {:.2f}–{:.2f} |", to_seconds(one.least), to_seconds(one.most),
                 to_seconds(one.bounds.earliest), to_seconds(one.bounds.latest));
    }
    fmt::print("\n");
  }
}

/// One, unless tests/bench/alert_timing wants more.
int wanted_rounds() {
  const char* rounds = std::getenv("OBSCTL_ALERT_ROUNDS");
  return rounds == nullptr ? 1 : std::max(1, std::atoi(rounds));
}

}  // namespace

TEST_CASE("every stage of many alerts is inside its derived budget, at exact times") {
  if (!obsctl::tests::is_installed({"prometheus"}, "prometheus") ||
      !obsctl::tests::is_installed({"prometheus-alertmanager", "alertmanager"}, "prometheus-alertmanager")) {
    return;
  }
  Table table;
  for (int round = 0; round < wanted_rounds(); ++round) {
    CAPTURE(round);
    World world;
    measure_round(world, round, table);
  }
  print(table);
}
