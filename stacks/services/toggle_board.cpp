#include "stacks/services/toggle_board.hpp"

#include <nlohmann/json.hpp>

namespace obsctl::stacks {

namespace {

constexpr std::uint32_t bit(std::size_t kind) {
  return std::uint32_t{1} << kind;
}

}  // namespace

ToggleBoard::ToggleBoard(ToggleBoardOptions options, const core::Clock& clock)
    : options_(std::move(options)), clock_(clock), seeds_(options_.seed), active_(toggle_kinds().size()) {}
ToggleBoard::~ToggleBoard() = default;

std::optional<std::size_t> ToggleBoard::find(std::string_view name) {
  for (std::size_t kind = 0; kind < toggle_kinds().size(); ++kind) {
    if (toggle_kinds()[kind].name == name) return kind;
  }
  return std::nullopt;
}

std::vector<FieldError> ToggleBoard::set(std::size_t kind, const nlohmann::json& object) {
  FieldReader fields(object);
  auto fault =
      toggle_kinds()[kind].read(fields, {options_.dependencies, options_.longest_delay, seeds_.next()});
  const core::Nanoseconds ttl =
      fields.duration("ttl", std::chrono::milliseconds(1), options_.ttl_max, options_.ttl_default);
  std::vector<FieldError> errors = fields.finish();
  if (!errors.empty()) return errors;
  clear(kind);
  active_[kind] = Active{std::move(fault), ttl, clock_.wall_now(), clock_.steady_now() + ttl};
  ++on_;
  return {};
}

bool ToggleBoard::clear(std::size_t kind) {
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
    expired.push_back(toggle_kinds()[kind].name);
  }
  return expired;
}

nlohmann::ordered_json ToggleBoard::state(std::size_t kind) const {
  const std::optional<Active>& active = active_[kind];
  nlohmann::ordered_json state{{"name", toggle_kinds()[kind].name}, {"active", active.has_value()}};
  if (!active) return state;
  active->fault->describe(state);
  state["ttl"] = core::format_duration(active->ttl);
  state["set_at"] = core::format_utc(active->set_at);
  state["expires_at"] = core::format_utc(active->set_at + active->ttl);
  state["affected"] = active->affected;
  return state;
}

FaultPlan ToggleBoard::plan(RouteId route) {
  FaultPlan plan;
  for (std::size_t kind = 0; kind < active_.size(); ++kind) {
    if (!active_[kind] || !active_[kind]->fault->affect_request(route, plan)) continue;
    plan.kinds |= bit(kind);
    ++active_[kind]->affected;
  }
  return plan;
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

std::vector<int> ToggleBoard::statuses(std::size_t kind, RouteId route) const {
  return active_[kind] ? active_[kind]->fault->statuses(route) : std::vector<int>();
}

}  // namespace obsctl::stacks
