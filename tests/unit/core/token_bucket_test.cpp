// A burst at once, then the rate, whatever the pattern of the calls.
#include "core/token_bucket.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::Nanoseconds;
using obsctl::core::SteadyTime;
using obsctl::core::TokenBucket;

TEST_CASE("a bucket gives its burst at once, and says when there is more") {
  TokenBucket bucket({2, 1s}, 3);
  const SteadyTime start{5s};
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(start) == 0ns);
  CHECK(bucket.wait(start) == 500ms);
  CHECK(bucket.take(start) == 500ms);
  CHECK(bucket.take(start + 499ms) == 1ms);
  CHECK(bucket.wait(start + 500ms) == 0ns);
  CHECK(bucket.take(start + 500ms) == 0ns);
  CHECK(bucket.take(start + 500ms) == 500ms);
}

TEST_CASE("a quiet time fills a bucket to its burst and no further") {
  TokenBucket bucket({1, 1s}, 2);
  const SteadyTime start{};
  CHECK(bucket.take(start) == 0ns);
  for (int i = 0; i < 2; ++i) CHECK(bucket.take(start + 1h) == 0ns);
  CHECK(bucket.take(start + 1h) == 1s);
}

TEST_CASE("in the long run a bucket lets its rate through, however often it is asked") {
  const Nanoseconds between = GENERATE(1ms, 3ms, 7ms);
  TokenBucket bucket({100, 1s}, 5);
  int taken = 0;
  for (Nanoseconds at{}; at < 10s; at += between)
    if (bucket.take(SteadyTime(at)) == 0ns) ++taken;
  CHECK(taken >= 1000);
  CHECK(taken <= 1005);
}
