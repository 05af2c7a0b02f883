#include "core/sha256.hpp"

#include <array>

#include <fmt/format.h>
#include <openssl/sha.h>

namespace obsctl::core {

std::string sha256(std::string_view data) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace obsctl::core
