#include "stacks/services/work.hpp"

#include <charconv>

#include <fmt/format.h>

namespace obsctl::stacks {

namespace {

std::optional<core::Nanoseconds> milliseconds(std::string_view text, core::Nanoseconds longest) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const double most = core::to_seconds(longest) * 1000;
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= most))
    return std::nullopt;
  return core::from_seconds(value / 1000);
}

void read(core::Nanoseconds& into, const std::optional<std::string>& text, const char* name,
          core::Nanoseconds longest, std::vector<FieldError>& errors) {
  if (!text) return;
  if (const auto value = milliseconds(*text, longest)) {
    into = *value;
  } else {
    errors.push_back({name, fmt::format("must be a number of milliseconds from 0 to {}",
                                        core::to_seconds(longest) * 1000)});
  }
}

}  // namespace

core::Nanoseconds WorkRequest::draw(SplitMix64& random) const {
  return duration + core::scale(2 * jitter, random.unit()) - jitter;
}

WorkRequest read_work(const std::optional<std::string>& ms, const std::optional<std::string>& jitter,
                      core::Nanoseconds longest) {
  WorkRequest work;
  read(work.duration, ms, "ms", longest, work.errors);
  read(work.jitter, jitter, "jitter", longest, work.errors);
  if (work.errors.empty() && work.jitter > work.duration)
    work.errors.push_back({"jitter", "must not be above ms: a job takes ms ± jitter"});
  return work;
}

}  // namespace obsctl::stacks
