// See random_name.hpp.
#include "stacks/random_name.hpp"

#include <random>

#include <fmt/format.h>

namespace obsctl::stacks {

std::string random_text(std::string_view alphabet, std::size_t length) {
  std::random_device random;
  std::uniform_int_distribution<std::size_t> letters(0, alphabet.size() - 1);
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += alphabet[letters(random)];
  return text;
}

std::string new_instance_name(std::string_view stack) {
  return fmt::format("{}-{}", stack, random_text("abcdefghijkmnpqrstuvwxyz23456789", 6));
}

}  // namespace obsctl::stacks
