// X-Request-ID: a client's own, if it can be trusted not to spoil a log, or a new one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stacks/services/fraction.hpp"

namespace obsctl::stacks {

/// At most 128 characters of A–Z a–z 0–9 and "._~:/+=@-", at least one.
bool is_sane_request_id(std::string_view text);

/// Sixteen hexadecimal digits, no two alike in one process.
class RequestIds {
 public:
  explicit RequestIds(std::uint64_t seed) : numbers_(seed) {}
  std::string next();

 private:
  SplitMix64 numbers_;  // a bijection of a counter, hence no repetition
};

}  // namespace obsctl::stacks
