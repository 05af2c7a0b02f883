// A fraction of requests, exactly and without a pattern.
//
// Three ways to affect 30 % of the requests, and why it is the third: independent draws are right on average
// only, and a demo of some hundred requests sees 27 % or 33 %. Adding up (every time the sum passes 1) is
// exact, but regular: with one half and a load that alternates between two requests, one of them would always
// fail and the other never; and a retry right after a failure would always succeed. So: blocks, each with
// exactly its share of hits at random places (selection sampling, Knuth, TAOCP volume 2, 3.4.2, algorithm S),
// the remainder of the share carried over in integers. After n requests the number of hits differs from n
// times the fraction by a small bound that does not grow with n, yet what happens to one request says next to
// nothing about the next.
#pragma once

#include <cstdint>

namespace obsctl::stacks {

/// A small generator of 64-bit numbers (SplitMix64, Steele, Lea & Flood 2014), the same on every machine.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// From 0 to `limit` - 1; `limit` is positive.
  std::uint64_t below(std::uint64_t limit);
  /// From 0 to 1, 1 excluded.
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

class ExactFraction {
 public:
  /// `fraction` from 0 to 1, rounded to a billionth.
  ExactFraction(double fraction, std::uint64_t seed);

  /// Whether the next one is hit.
  bool next();
  /// The length of a block: at its end hits and n · fraction differ by less than one.
  std::uint64_t block() const { return block_; }

 private:
  void begin_block();

  SplitMix64 random_;
  std::uint64_t parts_;     ///< the fraction in billionths
  std::uint64_t block_;     ///< requests in a block
  std::uint64_t owed_;      ///< billionths of a hit carried over from the blocks before
  std::uint64_t left_ = 0;  ///< requests to come in this block
  std::uint64_t due_ = 0;   ///< hits to come in this block
};

}  // namespace obsctl::stacks
