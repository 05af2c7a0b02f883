// Addresses in a stack's files: "api:8080", as Compose knows it, becomes "127.0.0.1:21234".
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace obsctl::stacks {

/// Address as the files name it → address on this machine.
using AddressMap = std::map<std::string, std::string, std::less<>>;

/// Replaces every address that stands alone: "http://api:8080/readyz" has one, "my-api:8080", "api:80801" and
/// "api:8080.example" have none.
std::string with_addresses(std::string_view text, const AddressMap& addresses);

}  // namespace obsctl::stacks
