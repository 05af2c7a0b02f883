#include "stacks/services/fault.hpp"

#include <algorithm>

namespace obsctl::stacks {

void FaultPlan::end_with(Ending how) {
  ending = std::max(ending, how);
}

void FaultPlan::answer_with(int error_status, std::string why) {
  end_with(Ending::status);
  if (status != 0) return;
  status = error_status;
  reason = std::move(why);
}

void FaultPlan::limit_rate(std::uint64_t to_bytes_per_second) {
  bytes_per_second =
      bytes_per_second == 0 ? to_bytes_per_second : std::min(bytes_per_second, to_bytes_per_second);
}

void FaultPlan::limit_body(std::uint64_t to_bytes) {
  truncate_after = std::min(truncate_after.value_or(to_bytes), to_bytes);
}

bool Readiness::all() const {
  return ready &&
         std::all_of(dependencies.begin(), dependencies.end(), [](const Dependency& one) { return one.up; });
}

}  // namespace obsctl::stacks
