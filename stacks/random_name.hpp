// Names and tokens that nobody else has.
#pragma once

#include <string>
#include <string_view>

namespace obsctl::stacks {

/// `length` letters of `alphabet`, each as likely as the other, from the system's randomness.
std::string random_text(std::string_view alphabet, std::size_t length);

/// What a copy of a stack is called when nobody has named it: "http-api-4fk2q8".
std::string new_instance_name(std::string_view stack);

}  // namespace obsctl::stacks
