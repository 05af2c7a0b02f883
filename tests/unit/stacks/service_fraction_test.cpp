// A rate means that fraction exactly in the long run, and nothing can be told from one request about the
// next.
#include <cmath>
#include <vector>

#include "stacks/services/fraction.hpp"
#include "tests/support/catch.hpp"

using obsctl::stacks::ExactFraction;
using obsctl::stacks::SplitMix64;

namespace {

constexpr int kRequests = 100'000;

std::vector<bool> draw(double fraction, std::uint64_t seed, int count = kRequests) {
  ExactFraction sequence(fraction, seed);
  std::vector<bool> hits;
  for (int i = 0; i < count; ++i) hits.push_back(sequence.next());
  return hits;
}

/// The standard deviation of the number of hits among `n` independent draws.
double binomial_deviation(double n, double fraction) {
  return std::sqrt(n * fraction * (1 - fraction));
}

}  // namespace

TEST_CASE("a fraction is that fraction over 10^5 requests, far closer than independent draws would be") {
  const double fraction =
      GENERATE(0.001, 0.002, 0.01, 0.05, 0.1, 0.25, 0.3, 1.0 / 3, 0.5, 0.6, 0.75, 0.9, 0.99, 0.999);
  const std::uint64_t seed = GENERATE(range(1, 6));
  CAPTURE(fraction, seed);
  ExactFraction sequence(fraction, seed);
  const auto block = static_cast<int>(sequence.block());
  int hits = 0;
  double worst = 0;
  for (int i = 1; i <= kRequests; ++i) {
    hits += sequence.next() ? 1 : 0;
    const double off = std::abs(hits - i * fraction);
    worst = std::max(worst, off);
    if (i % block == 0) REQUIRE(off < 1.001);  // and a rounding to billionths
  }
  // Inside a block it is a random walk that returns: half a deviation of a block's draws in the middle, at
  // most some.
  CHECK(worst < 1 + 2.5 * binomial_deviation(block, fraction));
  CHECK(std::abs(hits - kRequests * fraction) < 1 + binomial_deviation(kRequests, fraction));
}

TEST_CASE("nothing and everything are exact") {
  for (const bool hit : draw(0, 7)) REQUIRE_FALSE(hit);
  for (const bool hit : draw(1, 7)) REQUIRE(hit);
}

TEST_CASE("a hit says next to nothing about the next request, so a retry fails as often as a first try") {
  const double fraction = GENERATE(0.1, 0.3, 0.5, 0.8);
  CAPTURE(fraction);
  const std::vector<bool> hits = draw(fraction, 3);
  int first = 0;
  int again = 0;
  for (std::size_t i = 1; i < hits.size(); ++i) {
    if (!hits[i - 1]) continue;
    ++first;
    if (hits[i]) ++again;
  }
  CHECK(static_cast<double>(again) / first == Approx(fraction).margin(0.04));
}

TEST_CASE("a load that repeats itself every few requests sees the fraction in each of them") {
  const double fraction = GENERATE(0.1, 0.25, 0.3, 0.5);
  const std::size_t period = GENERATE(2, 3, 4, 10);
  CAPTURE(fraction, period);
  const std::vector<bool> hits = draw(fraction, 11);
  for (std::size_t phase = 0; phase < period; ++phase) {
    int count = 0;
    int hit = 0;
    for (std::size_t i = phase; i < hits.size(); i += period) {
      ++count;
      hit += hits[i] ? 1 : 0;
    }
    CHECK(std::abs(hit - count * fraction) < 4 * binomial_deviation(count, fraction));
  }
}

TEST_CASE("a seed makes the sequence") {
  CHECK(draw(0.3, 1, 1000) == draw(0.3, 1, 1000));
  CHECK(draw(0.3, 1, 1000) != draw(0.3, 2, 1000));
}

TEST_CASE("the generator gives its published numbers") {
  // https://prng.di.unimi.it/splitmix64.c, seeded with 1234567.
  SplitMix64 random(1234567);
  CHECK(random.next() == 6457827717110365317U);
  CHECK(random.next() == 3203168211198807973U);
  CHECK(random.next() == 9817491932198370423U);
  for (int i = 0; i < 1000; ++i) CHECK(random.below(7) < 7);
}
