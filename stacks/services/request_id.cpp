#include "stacks/services/request_id.hpp"

#include <algorithm>

namespace obsctl::stacks {

namespace {

constexpr std::size_t kLongest = 128;
constexpr std::string_view kMarks = "._~:/+=@-";
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

bool is_sane_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string RequestIds::next() {
  std::uint64_t number = numbers_.next();
  std::string id(16, '0');
  for (char& digit : id) {
    digit = kDigits[number & 0xf];
    number >>= 4;
  }
  return id;
}

}  // namespace obsctl::stacks
