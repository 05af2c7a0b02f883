// A stack's files as its services will read them: durations scaled, addresses rewritten, everything else as
// it was.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "stacks/addresses.hpp"
#include "stacks/manifest.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

struct RenderedFile {
  ConfigFile file;
  std::string text;
  FileChecksum checksum;
};

struct Rendering {
  std::vector<RenderedFile> files;  ///< each file once, in the order of stack.toml
  std::vector<std::string> notes;   ///< what does not scale
};

/// Errors: usage (the time scale); not_found, unavailable, invalid_input, each with its place.
core::Result<Rendering> render(const Manifest& manifest, const AddressMap& addresses, double time_scale);

}  // namespace obsctl::stacks
