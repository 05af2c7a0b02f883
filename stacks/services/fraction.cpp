#include "stacks/services/fraction.hpp"

#include <algorithm>
#include <cmath>

namespace obsctl::stacks {

namespace {

constexpr std::uint64_t kBillion = 1'000'000'000;
/// Long enough that a neighbour's fate is almost independent: with about 32 hits (or misses) in a block, one
/// of them changes the chance of the next by about a thirtieth.
constexpr std::uint64_t kShortestBlock = 128;
constexpr std::uint64_t kHitsPerBlock = 32;
/// Keeps parts_ * block_ below 2^64.
constexpr std::uint64_t kLongestBlock = 1'000'000'000;

std::uint64_t block_for(std::uint64_t parts) {
  const std::uint64_t rarer = std::min(parts, kBillion - parts);
  if (rarer == 0) return kShortestBlock;
  return std::clamp(kHitsPerBlock * kBillion / rarer, kShortestBlock, kLongestBlock);
}

}  // namespace

std::uint64_t SplitMix64::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::uint64_t SplitMix64::below(std::uint64_t limit) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * limit) >> 64);
}

ExactFraction::ExactFraction(double fraction, std::uint64_t seed)
    : random_(seed),
      parts_(static_cast<std::uint64_t>(std::llround(std::clamp(fraction, 0.0, 1.0) * 1e9))),
      block_(block_for(parts_)),
      owed_(random_.below(kBillion)) {}

void ExactFraction::begin_block() {
  owed_ += parts_ * block_;
  left_ = block_;
  due_ = owed_ / kBillion;
  owed_ %= kBillion;
}

bool ExactFraction::next() {
  if (left_ == 0) begin_block();
  const bool hit = random_.below(left_) < due_;
  --left_;
  if (hit) --due_;
  return hit;
}

}  // namespace obsctl::stacks
