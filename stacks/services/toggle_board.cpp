#include "stacks/services/toggle_board.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace obsctl::stacks {

namespace {

constexpr std::uint32_t bit(std::size_t kind) {
  return std::uint32_t{1} << kind;
}

}  // namespace

ToggleBoard::ToggleBoard(const ToggleKinds& kinds, ToggleBoardOptions options, const core::Clock& clock)
    : kinds_(kinds),
      options_(std::move(options)),
      clock_(clock),
      seeds_(options_.seed),
      active_(kinds_.size()) {}
ToggleBoard::~ToggleBoard() = default;

std::optional<std::size_t> ToggleBoard::find(std::string_view name) const {
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (kinds_[kind].name == name) return kind;
  }
  return std::nullopt;
}

core::Nanoseconds ToggleBoard::left(std::size_t kind) const {
  if (!active_[kind]) return {};
  return std::max(core::Nanoseconds(0), active_[kind]->expires - clock_.steady_now());
}

std::vector<FieldError> ToggleBoard::set(std::size_t kind, const nlohmann::json& object) {
  FieldReader fields(object);
  auto fault = kinds_[kind].read(fields, {.routes = options_.routes,
                                          .dependencies = options_.dependencies,
                                          .longest_delay = options_.longest_delay,
                                          .seed = seeds_.next(),
                                          .clock = clock_,
                                          .log_line = options_.log_line});
  const core::Nanoseconds ttl =
      fields.duration("ttl", std::chrono::milliseconds(1), options_.ttl_max, options_.ttl_default);
  std::vector<FieldError> errors = fields.finish();
  if (!errors.empty()) return errors;
  put_off(kind);
  fault->start(ttl);  // first, since it may throw for want of a thread
  active_[kind] = Active{std::move(fault), ttl, clock_.wall_now(), clock_.steady_now() + ttl};
  ++on_;
  if (options_.changed) options_.changed(kind);
  return {};
}

bool ToggleBoard::clear(std::size_t kind) {
  const bool was_on = put_off(kind);
  if (was_on && options_.changed) options_.changed(kind);
  return was_on;
}

bool ToggleBoard::put_off(std::size_t kind) {
  if (!active_[kind]) return false;
  active_[kind].reset();
  --on_;
  return true;
}

std::vector<std::string_view> ToggleBoard::expire() {
  std::vector<std::string_view> expired;
  if (on_ == 0) return expired;
  const core::SteadyTime now = clock_.steady_now();
  for (std::size_t kind = 0; kind < active_.size(); ++kind) {
    if (!active_[kind] || now < active_[kind]->expires) continue;
    clear(kind);
    expired.push_back(kinds_[kind].name);
  }
  return expired;
}

nlohmann::ordered_json ToggleBoard::state(std::size_t kind) const {
  const std::optional<Active>& active = active_[kind];
  nlohmann::ordered_json state{{"name", kinds_[kind].name}, {"active", active.has_value()}};
  if (!active) return state;
  active->fault->describe(state);
  state["ttl"] = core::format_duration(active->ttl);
  state["set_at"] = core::format_utc(active->set_at);
  state["expires_at"] = core::format_utc(active->set_at + active->ttl);
  state["affected"] = active->affected;
  return state;
}

FaultPlan ToggleBoard::plan(std::string_view route, std::uint32_t among) {
  FaultPlan plan;
  for (std::size_t kind = 0; kind < active_.size(); ++kind) {
    const Ending before = plan.ending;
    if (!active_[kind] || (among & bit(kind)) == 0) continue;
    if (!active_[kind]->fault->affect_request(route, plan)) continue;
    if (plan.ending != before) plan.decided_by = kind;
    plan.kinds |= bit(kind);
    ++active_[kind]->affected;
  }
  return plan;
}

DependencyCall ToggleBoard::call(std::string_view dependency, std::uint32_t& kinds) {
  DependencyCall call;
  for (std::size_t kind = 0; kind < active_.size(); ++kind) {
    if (!active_[kind] || !active_[kind]->fault->affect_call(dependency, call)) continue;
    kinds |= bit(kind);
    ++active_[kind]->affected;
  }
  return call;
}

Readiness ToggleBoard::readiness(std::uint32_t& kinds) const {
  Readiness readiness;
  for (const std::string& name : options_.dependencies) readiness.dependencies.push_back({name});
  kinds = 0;
  for (std::size_t kind = 0; kind < active_.size(); ++kind) {
    if (active_[kind] && active_[kind]->fault->affect_readiness(readiness)) kinds |= bit(kind);
  }
  return readiness;
}

void ToggleBoard::note_affected(std::uint32_t kinds) {
  for (std::size_t kind = 0; kind < active_.size(); ++kind) {
    if (active_[kind] && (kinds & bit(kind)) != 0) ++active_[kind]->affected;
  }
}

std::vector<int> ToggleBoard::statuses(std::size_t kind, std::string_view route) const {
  return active_[kind] ? active_[kind]->fault->statuses(route) : std::vector<int>();
}

}  // namespace obsctl::stacks
