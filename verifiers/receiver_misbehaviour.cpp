// The text form of misbehaviours and the board they are pinned to.
#include "verifiers/receiver_misbehaviour.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::verifiers {

namespace {

constexpr std::size_t kMostReceivers = 1000;
constexpr std::size_t kMostSteps = 100;
constexpr core::Nanoseconds kLongestDelay = std::chrono::hours(1);

core::Error refusal(std::string_view text, std::string_view why) {
  return core::make_error(
      core::ErrorKind::invalid_input,
      fmt::format("\"{}\" is not a misbehaviour: {}", text.substr(0, 60), why),
      "write 500, 429:30s, slow:2s, hang or close, with x3 behind it for three deliveries");
}

template <class Number>
std::optional<Number> whole_number(std::string_view digits) {
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

/// What stands before the count.
Result<Misbehaviour> parse_action(std::string_view text, std::string_view whole) {
  Misbehaviour read;
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  if (word == "slow") {
    read.kind = Misbehaviour::Kind::slow;
  } else if (word == "hang" || word == "close") {
    read.kind = word == "hang" ? Misbehaviour::Kind::hang : Misbehaviour::Kind::close;
  } else if (const auto status = whole_number<int>(word); status && *status >= 400 && *status <= 599) {
    read.status = *status;
  } else {
    return refusal(whole, status ? "a status is from 400 to 599" : "the word is not known");
  }
  const bool takes_duration =
      read.kind == Misbehaviour::Kind::slow || read.kind == Misbehaviour::Kind::status;
  if (colon == std::string_view::npos) {
    if (read.kind == Misbehaviour::Kind::slow) return refusal(whole, "slow needs a duration");
    return read;
  }
  if (!takes_duration) return refusal(whole, fmt::format("{} takes no duration", word));
  const auto duration = core::parse_duration(text.substr(colon + 1));
  if (!duration) return refusal(whole, duration.error().message);
  if (*duration > kLongestDelay) return refusal(whole, "the longest duration is 1h");
  if (read.kind == Misbehaviour::Kind::slow) {
    read.delay = *duration;
  } else {
    read.retry_after = *duration;
  }
  return read;
}

Result<Misbehaviour> parse_one(std::string_view text) {
  std::string_view action = text;
  std::optional<std::uint64_t> times;
  const std::size_t x = text.rfind('x');
  if (x != std::string_view::npos && text.find_first_not_of("0123456789", x + 1) == std::string_view::npos) {
    action = text.substr(0, x);
    times = whole_number<std::uint64_t>(text.substr(x + 1));
    if (!times || *times == 0) return refusal(text, "behind x stands how many deliveries, from 1");
  }
  auto read = parse_action(action, text);
  if (read) read->times = times;
  return read;
}

}  // namespace

std::string to_string(const Misbehaviour& misbehaviour) {
  std::string text;
  switch (misbehaviour.kind) {
    case Misbehaviour::Kind::status:
      text = std::to_string(misbehaviour.status);
      if (misbehaviour.retry_after) text += ":" + core::format_duration(*misbehaviour.retry_after);
      break;
    case Misbehaviour::Kind::slow:
      text = "slow:" + core::format_duration(misbehaviour.delay);
      break;
    case Misbehaviour::Kind::hang:
      text = "hang";
      break;
    case Misbehaviour::Kind::close:
      text = "close";
      break;
  }
  if (misbehaviour.times) text += fmt::format("x{}", *misbehaviour.times);
  return text;
}

Result<std::vector<Misbehaviour>> parse_misbehaviours(std::string_view text) {
  std::vector<Misbehaviour> steps;
  for (const std::string_view part : core::split(text, ',')) {
    auto step = parse_one(core::trimmed(part));
    if (!step) return step.error();
    if (!steps.empty() && !steps.back().times) {
      return core::make_error(
          core::ErrorKind::invalid_input,
          fmt::format("\"{}\" is never reached: \"{}\" happens to every delivery", core::trimmed(part),
                      to_string(steps.back())),
          fmt::format("give the first one a count, such as \"{}x2\"", to_string(steps.back())));
    }
    if (steps.size() >= kMostSteps) return refusal(part, fmt::format("there are more than {}", kMostSteps));
    steps.push_back(*step);
  }
  return steps;
}

const Misbehaviour* MisbehaviourBoard::Plan::next() const {
  std::uint64_t left = affected;
  for (const Misbehaviour& step : steps) {
    if (!step.times || left < *step.times) return &step;
    left -= *step.times;
  }
  return nullptr;
}

void MisbehaviourBoard::expire() const {
  if (plans_.empty()) return;
  const core::SteadyTime now = clock_.steady_now();
  std::erase_if(plans_, [now](const auto& entry) { return entry.second.expires <= now; });
}

bool MisbehaviourBoard::set(const std::string& receiver, std::vector<Misbehaviour> steps,
                            std::optional<core::Nanoseconds> ttl) {
  const std::lock_guard lock(mutex_);
  expire();
  if (plans_.size() >= kMostReceivers && !plans_.contains(receiver)) return false;
  Plan plan;
  plan.steps = std::move(steps);
  plan.set_at = clock_.wall_now();
  plan.ttl = ttl;
  if (ttl) plan.expires = clock_.steady_now() + *ttl;
  plans_[receiver] = std::move(plan);
  return true;
}

bool MisbehaviourBoard::clear(const std::string& receiver) {
  const std::lock_guard lock(mutex_);
  expire();
  return plans_.erase(receiver) > 0;
}

std::optional<Misbehaviour> MisbehaviourBoard::take(const std::string& receiver) {
  const std::lock_guard lock(mutex_);
  expire();
  const auto plan = plans_.find(receiver);
  if (plan == plans_.end()) return std::nullopt;
  const Misbehaviour* step = plan->second.next();
  if (step == nullptr) return std::nullopt;
  ++plan->second.affected;
  return *step;
}

std::map<std::string, MisbehaviourBoard::Plan> MisbehaviourBoard::plans() const {
  const std::lock_guard lock(mutex_);
  expire();
  return plans_;
}

}  // namespace obsctl::verifiers
