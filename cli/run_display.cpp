#include "cli/run_display.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/tell.hpp"
#include "cli/terminal.hpp"

namespace obsctl::cli {

using core::Nanoseconds;
using scenarios::Event;
using scenarios::Expectation;
using scenarios::Json;
using scenarios::Outcome;

namespace {

constexpr Nanoseconds kFrame = std::chrono::milliseconds(100);
constexpr Nanoseconds kHeartbeat = std::chrono::seconds(10);

std::string seconds_text(double seconds) {
  return core::format_rounded(core::from_seconds(seconds));
}

std::string joined_names(const Event& event, const char* key) {
  std::vector<std::string> names;
  for (const Json& name : event.fields.value(key, Json::array())) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

/// `{severity=critical}`, without the alert's own name.
std::string labels_text(const Event& event) {
  std::vector<std::string> parts;
  const Json labels = event.fields.value("labels", Json::object());
  for (const auto& [name, value] : labels.items()) {
    if (name != "alertname" && value.is_string())
      parts.push_back(fmt::format("{}={}", name, value.get<std::string>()));
  }
  return parts.empty() ? "" : fmt::format(" {{{}}}", fmt::join(parts, ", "));
}

std::string fault_text(const Event& event) {
  const std::string description = event.text("description");
  const std::string evidence = event.text("evidence");
  std::string text = event.text("fault");
  if (!description.empty()) text += ": " + description;
  if (!evidence.empty()) text += ": " + evidence;
  if (event.kind == "fault.not_removed")
    text += fmt::format(": {}; by hand: {}", event.text("reason"), event.text("undo"));
  if (event.flag("rollback")) text += " (rolled back)";
  return text;
}

/// What a run that was killed had left in place.
std::string left_fault_text(const Event& event) {
  std::string text = fmt::format("{}, left by run {}", event.text("description"), event.text("of_run"));
  if (event.kind == "left_fault.still_there")
    text += fmt::format(", is still there: {}; by hand: {}", event.text("reason"), event.text("undo"));
  return text;
}

std::string mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return "✓";
    case Outcome::waiting:
      return "·";
    case Outcome::not_reached:
      return "-";
    case Outcome::inconclusive:
      return "?";
    case Outcome::missed:
    case Outcome::late:
    case Outcome::unexpected:
    case Outcome::mismatched:
      return "✗";
  }
  return " ";
}

Colour colour_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return Colour::green;
    case Outcome::waiting:
    case Outcome::not_reached:
      return Colour::dim;
    case Outcome::inconclusive:
      return Colour::yellow;
    default:
      return Colour::red;
  }
}

std::string budget_text(const Json& expectation) {
  if (!expectation.contains("budget_s")) return "";
  const std::string latest = seconds_text(expectation["budget_s"].get<double>());
  if (!expectation.contains("earliest_s")) return "≤ " + latest;
  return fmt::format("{} – {}", seconds_text(expectation["earliest_s"].get<double>()), latest);
}

std::string load_line(const scenarios::LoadView& load) {
  constexpr std::array<const char*, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string bars;
  std::int64_t sent = 0;
  std::int64_t errors = 0;
  std::int64_t completed = 0;
  double length = 0;
  Nanoseconds p99{};
  for (const loadgen::Window& window : load.recent) {
    const double ratio = window.counts.error_ratio();
    bars += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(ratio * 8))];
  }
  const std::size_t from = load.recent.size() > 5 ? load.recent.size() - 5 : 0;
  for (std::size_t i = from; i < load.recent.size(); ++i) {
    const loadgen::Window& window = load.recent[i];
    sent += window.counts.sent;
    errors += window.counts.errors();
    completed += window.counts.completed();
    length += core::to_seconds(window.length);
    p99 = std::max(p99, window.p99);
  }
  return fmt::format(
      "{}  {:.0f}/{:.0f} req/s  errors {:.1f}%  p99 {}  {}", load.name,
      length > 0 ? static_cast<double>(sent) / length : 0.0, load.snapshot.asked_rate,
      completed > 0 ? 100.0 * static_cast<double>(errors) / static_cast<double>(completed) : 0.0,
      core::format_rounded(p99), bars);
}

/// The fault that is in place, with the time until it would end by itself.
std::string active_fault(const std::vector<Event>& events, core::WallTime now) {
  std::string line;
  for (const Event& event : events) {
    if (event.kind == "fault.injected") {
      const double left = event.number("max_duration_s") - core::to_seconds(now - event.at);
      line = fmt::format("FAULT  {}   for {}, at most {} more", event.text("description"),
                         core::format_rounded(now - event.at), seconds_text(std::max(0.0, left)));
    } else if (event.kind == "fault.skipped") {
      line = fmt::format("no fault (left out: {})", event.text("description"));
    } else if (event.kind == "fault.cleared") {
      line =
          fmt::format("fault {} removed {} ago", event.text("fault"), core::format_rounded(now - event.at));
    }
  }
  return line;
}

/// How long something has been waited for: since its fault was injected, or removed. Nothing before that.
std::optional<Nanoseconds> waited_for(const Expectation& expectation, const std::vector<Event>& events,
                                      core::WallTime now) {
  if (expectation.fault.empty()) return std::nullopt;
  for (const Event& event : events) {
    const bool origin = expectation.on_injection()
                            ? event.kind == "fault.injected" || event.kind == "fault.skipped"
                            : event.kind == "fault.cleared";
    if (origin && event.text("fault") == expectation.fault) return now - event.at;
  }
  return std::nullopt;
}

std::string expectation_line(const Expectation& expectation, const std::vector<Event>& events,
                             core::WallTime now, bool colour) {
  const scenarios::Finding finding = judge(expectation, events, now, false);
  std::string budget;
  if (expectation.budget) {
    budget = fmt::format("{} – {}", core::format_rounded(expectation.earliest.value_or(Nanoseconds::zero())),
                         core::format_rounded(*expectation.budget));
  }
  const bool waiting = finding.outcome == Outcome::waiting;
  const std::optional<Nanoseconds> time = waiting ? waited_for(expectation, events, now) : finding.measured;
  const std::string measured = fmt::format("{:>8}", time ? core::format_rounded(*time) : "");
  return paint(mark(finding.outcome), colour_of(finding.outcome), colour) +
         fmt::format(" {:<46} ", expectation.id) +
         (waiting ? paint(measured, Colour::dim, colour) : measured) + "  " + budget;
}

/// "detect 9.65s · notify 11.7s · clear 9.99s": the longest of each, of what passed.
std::string stages_text(const Json& expectations) {
  double detect = -1;
  double notify = -1;
  double clear = -1;
  for (const Json& expectation : expectations) {
    if (!expectation.contains("measured_s")) continue;
    const std::string kind = expectation.value("kind", "");
    const std::string stage = expectation.value("stage", "");
    double* longest = kind == "alert" && stage == "firing"          ? &detect
                      : kind == "notification" && stage == "firing" ? &notify
                      : kind == "alert" && stage == "inactive"      ? &clear
                                                                    : nullptr;
    if (longest != nullptr) *longest = std::max(*longest, expectation["measured_s"].get<double>());
  }
  std::vector<std::string> parts;
  for (const auto& [name, value] :
       {std::pair{"detect", detect}, std::pair{"notify", notify}, std::pair{"clear", clear}}) {
    if (value >= 0) parts.push_back(fmt::format("{} {}", name, seconds_text(value)));
  }
  return fmt::format("{}", fmt::join(parts, " · "));
}

std::string verdict_painted(const std::string& verdict, bool colour) {
  std::string upper = verdict;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  const Colour tone = verdict == "passed"   ? Colour::green
                      : verdict == "failed" ? Colour::red
                                            : Colour::yellow;
  return paint(upper, tone, colour);
}

Outcome outcome_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Outcome::not_reached); ++i) {
    if (name == to_string(static_cast<Outcome>(i))) return static_cast<Outcome>(i);
  }
  return Outcome::not_reached;
}

}  // namespace

std::string event_line(const Event& event) {
  const std::string& kind = event.kind;
  if (kind == "run.started") return event.text("title");
  if (kind == "stack.service_ready") return event.text("service");
  if (kind == "stack.ready")
    return fmt::format("after {}; Prometheus at {}", seconds_text(event.number("after_s")),
                       event.text("prometheus"));
  if (kind == "baseline.ok") {
    return fmt::format("{:.0f} rules healthy, {:.0f} targets up, nothing firing", event.number("rules"),
                       event.number("targets"));
  }
  if (kind == "plan.made") return joined_names(event, "remarks");
  if (kind == "load.started")
    return fmt::format("{}: {} to {}", event.text("load"), event.text("rate"), event.text("url"));
  if (kind == "load.finished") {
    return fmt::format("{}: {:.1f}/s of {:.1f}/s", event.text("load"), event.number("achieved_rate"),
                       event.number("asked_rate"));
  }
  if (kind.starts_with("steady_state.") || kind.starts_with("check.")) return event.text("evidence");
  if (kind.starts_with("fault.")) return fault_text(event);
  if (kind.starts_with("left_fault.")) return left_fault_text(event);
  if (kind == "chaos.drawn")
    return fmt::format("seed {}, {} faults", event.fields.value("seed", Json()).dump(),
                       event.fields.value("faults", Json::array()).size());
  if (kind == "alert.suppressed")
    return fmt::format("{}{} by {}", event.text("alert"), labels_text(event), event.text("by"));
  if (kind.starts_with("alert.")) return event.text("alert") + labels_text(event);
  if (kind == "notification.overdue") {
    return fmt::format("{} {} at {}: {}", event.text("alert"), event.text("stage"), event.text("receiver"),
                       event.text("explanation"));
  }
  if (kind == "notification.refused") {
    const double answer = event.number("answer");
    return fmt::format("{} at {}: {}", joined_names(event, "alerts"), event.text("receiver"),
                       answer == 0 ? "no answer" : fmt::format("answered {:.0f}", answer));
  }
  if (kind.starts_with("notification.")) {
    return fmt::format("{} at {} ({})", joined_names(event, "alerts"), event.text("receiver"),
                       event.text("via"));
  }
  if (kind == "query.met") return event.text("evidence");
  if (kind == "stack.kept") return fmt::format("obsctl stack down {} takes it down", event.text("instance"));
  if (kind == "stack.down") return event.text("problem");
  if (kind == "run.finished") return event.text("verdict");
  if (kind == "rule.samples") return fmt::format("{}: {}", event.text("alert"), event.text("expression"));
  return event.text("reason");
}

std::vector<std::string> run_panel(const scenarios::RunView& view, const std::vector<Event>& events,
                                   const std::string& title, Nanoseconds elapsed, core::WallTime now,
                                   bool colour, int width, int height) {
  std::vector<std::string> lines;
  lines.push_back(paint(title, Colour::bold, colour));
  lines.push_back(fmt::format(
      "{:>6}  {}", core::format_rounded(std::chrono::floor<std::chrono::seconds>(elapsed)), view.doing));
  if (std::string fault = active_fault(events, now); !fault.empty()) {
    lines.push_back("        " + paint(fault, Colour::yellow, colour));
  }
  for (const scenarios::LoadView& load : view.loads) lines.push_back("load    " + load_line(load));
  if (view.plan != nullptr) {
    lines.emplace_back();
    lines.push_back(
        paint(fmt::format("  {:<46} {:>8}  {}", "expected", "measured", "budget"), Colour::dim, colour));
    for (const Expectation& expectation : view.plan->expectations) {
      lines.push_back(expectation_line(expectation, events, now, colour));
    }
  }
  lines.push_back(paint("ctrl-c: roll back and stop", Colour::dim, colour));
  if (static_cast<int>(lines.size()) > height) lines.resize(static_cast<std::size_t>(std::max(1, height)));
  for (std::string& line : lines) line = clipped(line, width);
  return lines;
}

std::string run_summary(const Json& document, bool colour) {
  const Json& run = document["run"];
  const std::string verdict = document.value("verdict", "error");
  const double scale = run.value("time_scale", 1.0);
  std::string text = fmt::format("{} {} in {}{}{}\n", verdict_painted(verdict, colour),
                                 run.value("scenario", ""), seconds_text(run.value("length_s", 0.0)),
                                 scale == 1.0 ? "" : fmt::format(", time scale {}", scale),
                                 run.value("without_fault", false) ? ", without its fault" : "");
  if (const std::string stages = stages_text(document["expectations"]); !stages.empty())
    text += "  " + stages + "\n";
  for (const Json& reason : document["reasons"]) {
    std::string indented = reason.get<std::string>();
    for (std::size_t at = indented.find('\n'); at != std::string::npos; at = indented.find('\n', at + 1)) {
      indented.insert(at + 1, "    ");
    }
    text += fmt::format("  {}\n", indented);
  }
  if (document["expectations"].empty()) return text;
  std::size_t widest = 46;
  for (const Json& expectation : document["expectations"])
    widest = std::max(widest, expectation.value("id", "").size());
  text += paint(
      fmt::format("\n  {:<{}} {:<12} {:>9}  {}\n", "expected", widest + 2, "verdict", "measured", "budget"),
      Colour::dim, colour);
  for (const Json& expectation : document["expectations"]) {
    const std::string name = expectation.value("verdict", "");
    const Outcome outcome = outcome_named(name);
    const std::string measured =
        expectation.contains("measured_s") ? seconds_text(expectation["measured_s"].get<double>()) : "";
    std::string line = fmt::format("{} {:<{}} ", paint(mark(outcome), colour_of(outcome), colour),
                                   expectation.value("id", ""), widest);
    line += paint(fmt::format("{:<12}", name), colour_of(outcome), colour);
    line += fmt::format(" {:>9}  {}{}", measured, budget_text(expectation),
                        expectation.value("loose", false) ? " (loose)" : "");
    line.erase(line.find_last_not_of(' ') + 1);
    text += "  " + line + "\n";
  }
  return text;
}

RunDisplay::RunDisplay(std::string title, const scenarios::Journal& journal, core::Clock& clock, bool live)
    : title_(std::move(title)),
      journal_(journal),
      clock_(clock),
      live_(live),
      started_(clock.steady_now()),
      last_line_(started_) {}

void RunDisplay::on_event(const Event& event) {
  if (live_) return;
  const std::lock_guard lock(writing_);
  const double seconds = core::to_seconds(event.at - journal_.start());
  tell("{:8.2f}s  {:<22} {}\n", seconds, event.kind, event_line(event));
  last_line_ = clock_.steady_now();
}

void RunDisplay::on_tick(const scenarios::RunView& view) {
  if (live_) {
    if (clock_.steady_now() - last_draw_ >= kFrame) draw(view);
  } else if (clock_.steady_now() - last_line_ >= kHeartbeat) {
    heartbeat(view);
  }
}

void RunDisplay::heartbeat(const scenarios::RunView& view) {
  const std::lock_guard lock(writing_);
  std::string text(view.doing);
  for (const scenarios::LoadView& load : view.loads) {
    text += fmt::format("; {} at {:.0f}/s", load.name, load.snapshot.asked_rate);
  }
  tell("{:8.2f}s  {:<22} {}\n", core::to_seconds(clock_.steady_now() - started_), "…", text);
  last_line_ = clock_.steady_now();
}

void RunDisplay::draw(const scenarios::RunView& view) {
  const std::lock_guard lock(writing_);
  last_draw_ = clock_.steady_now();
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 1;
  const std::vector<std::string> lines =
      run_panel(view, journal_.events(), title_, last_draw_ - started_, clock_.wall_now(), true,
                known ? size.ws_col - 1 : 79, known ? size.ws_row - 1 : 23);
  std::string frame = drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r", drawn_lines_) : "\r";
  for (const std::string& line : lines) frame += line + "\x1b[K\n";
  frame += "\x1b[J";
  drawn_lines_ = static_cast<int>(lines.size());
  tell("{}", frame);
}

void RunDisplay::finish() {
  const std::lock_guard lock(writing_);
  if (drawn_lines_ > 0) tell("\x1b[{}A\r\x1b[J", drawn_lines_);
  drawn_lines_ = 0;
}

}  // namespace obsctl::cli
