// Whether an answer is the one that was hoped for.
#pragma once

#include <string_view>

#include "loadgen/plan.hpp"

namespace obsctl::loadgen {

/// What there is to know about an answer.
struct Answer {
  int status = 0;
  std::string_view headers;  ///< "name: value\n" lines; only when a check wants them
  std::string_view body;     ///< only when a check wants it
  std::int64_t body_bytes = 0;
  core::Nanoseconds service_time{};
};

enum class Judgement { ok, http_error, check_failed };

/// Judges an answer. When it is not ok, `why` is set to a short text for counting, without the answer's own
/// values.
Judgement judge(const Checks& checks, const Answer& answer, std::string_view& why);

}  // namespace obsctl::loadgen
