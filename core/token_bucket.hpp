// A limit on how often something may happen: so much in the long run, and a burst after a quiet time. Kept as
// the one number that says all of it: when the bucket will be full again.
#pragma once

#include "core/clock.hpp"
#include "core/rate.hpp"

namespace obsctl::core {

class TokenBucket {
 public:
  /// Full at first. `rate.count` and `burst` are positive.
  TokenBucket(const Rate& rate, int burst);

  /// How long until there is a token; 0: there is one.
  Nanoseconds wait(SteadyTime now) const;
  /// Takes a token if there is one; else how long until there will be.
  Nanoseconds take(SteadyTime now);

 private:
  SteadyTime full_then(SteadyTime now) const;

  Nanoseconds token_;  ///< the time in which one comes
  Nanoseconds all_;    ///< the time in which an empty bucket fills
  SteadyTime full_at_{};
};

}  // namespace obsctl::core
