// See the header.
#include "core/token_bucket.hpp"

#include <algorithm>

namespace obsctl::core {

TokenBucket::TokenBucket(const Rate& rate, int burst)
    : token_(scale(rate.per, 1 / static_cast<double>(rate.count))), all_(burst * token_) {}

/// When the bucket would be full again if a token were taken now.
SteadyTime TokenBucket::full_then(SteadyTime now) const {
  return std::max(full_at_, now) + token_;
}

Nanoseconds TokenBucket::wait(SteadyTime now) const {
  return std::max(Nanoseconds(0), full_then(now) - now - all_);
}

Nanoseconds TokenBucket::take(SteadyTime now) {
  const Nanoseconds missing = wait(now);
  if (missing == Nanoseconds(0)) full_at_ = full_then(now);
  return missing;
}

}  // namespace obsctl::core
