// See chaos.hpp. What is drawn is written as TOML and read as a scenario's own faults are: nothing can come
// out that a file could not say.
#include "scenarios/chaos.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/toml_reader.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::Result;
using stacks::SplitMix64;

namespace {

/// From a quarter of the longest on, in tenths of a second.
Nanoseconds draw_length(Nanoseconds longest, SplitMix64& random) {
  constexpr Nanoseconds kStep = std::chrono::milliseconds(100);
  const auto steps = static_cast<std::uint64_t>(std::max<std::int64_t>(longest / kStep, 1));
  const std::uint64_t least = std::max<std::uint64_t>(steps / 4, 1);
  return kStep * static_cast<std::int64_t>(least + random.below(steps - least + 1));
}

const std::string& draw_one(const std::vector<std::string>& names, SplitMix64& random) {
  return names[random.below(names.size())];
}

Result<FaultSpec> read_drawn(const std::string& text) {
  auto file = core::TomlFile::parse(text, "[chaos]");
  if (!file) return file.error();
  auto table = file->root().table("fault");
  FaultSpec fault = read_fault(*table, 0);
  if (const auto errors = file->errors(); !errors.empty()) return errors.front();
  return fault;
}

}  // namespace

Result<std::vector<FaultSpec>> draw_faults(const Chaos& chaos, std::uint64_t seed,
                                           const std::vector<Load>& loads) {
  SplitMix64 random(seed);
  std::vector<FaultSpec> faults;
  Nanoseconds used{};
  // As many as a load can tell apart: each begins four of its 128 phases.
  constexpr std::size_t kMost = 30;
  while (faults.size() < kMost) {
    const Nanoseconds length = draw_length(chaos.longest, random);
    used += length + (faults.empty() ? Nanoseconds::zero() : chaos.gap);
    if (used > chaos.budget) break;
    const std::string kind = draw_one(chaos.kinds, random);
    const std::string target = draw_one(chaos.targets, random);
    const std::string duration = core::format_duration(length);
    auto drawn =
        read_drawn(fmt::format("[fault]\nname = \"chaos-{}\"\nkind = \"{}\"\ntarget = '{}'\nstop = \"{}\"\n"
                               "max_duration = \"{}\"\n{}",
                               faults.size() + 1, kind, target, duration, core::format_duration(2 * length),
                               find_fault_kind(kind)->draw(random)));
    if (!drawn) return drawn.error();
    if (!faults.empty()) {
      drawn->start = chaos.gap;
      drawn->after = After{After::What::fault_gone, faults.back().name, std::chrono::hours(1)};
    }
    const bool loaded =
        std::any_of(loads.begin(), loads.end(), [&](const Load& load) { return load.target == target; });
    if (!loaded && drawn->effect.shows_in_load()) drawn->effect = {};
    faults.push_back(std::move(*drawn));
  }
  if (!faults.empty()) return faults;
  return core::make_error(
      core::ErrorKind::invalid_input,
      fmt::format("[chaos]: no fault goes into the budget of {}", core::format_duration(chaos.budget)),
      "make budget longer, or longest shorter");
}

core::Result<Scenario> with_drawn_faults(Scenario scenario, std::optional<std::uint64_t> seed,
                                         const core::Clock& clock, Journal& journal) {
  if (!scenario.chaos) return scenario;
  const auto by_time = static_cast<std::uint64_t>(clock.wall_now().time_since_epoch().count() / 1000);
  const std::uint64_t chosen = seed.value_or(scenario.chaos->seed.value_or(by_time % 1'000'000'000));
  auto drawn = draw_faults(*scenario.chaos, chosen, scenario.loads);
  if (!drawn) return drawn.error();
  Json fields{{"seed", chosen}, {"faults", Json::array()}};
  for (const FaultSpec& fault : *drawn) {
    fields["faults"].push_back({{"fault", fault.name},
                                {"description", fault.description},
                                {"lasts_s", core::to_seconds(fault.stop_after)}});
  }
  journal.append("chaos.drawn", std::move(fields));
  scenario.faults.insert(scenario.faults.end(), drawn->begin(), drawn->end());
  return scenario;
}

}  // namespace obsctl::scenarios
