// The parameters of /api/v1/work: how long a job takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "stacks/services/fraction.hpp"
#include "stacks/services/problem.hpp"

namespace obsctl::stacks {

struct WorkRequest {
  core::Nanoseconds duration = std::chrono::milliseconds(100);
  core::Nanoseconds jitter{};
  std::vector<FieldError> errors;  ///< of both parameters; then nothing is to be done

  /// Evenly from duration - jitter to duration + jitter.
  core::Nanoseconds draw(SplitMix64& random) const;
};

/// `ms` and `jitter` are numbers of milliseconds, as in the query; absent ones have their defaults.
WorkRequest read_work(const std::optional<std::string>& ms, const std::optional<std::string>& jitter,
                      core::Nanoseconds longest);

}  // namespace obsctl::stacks
