// Journals that runs have left behind, read again.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/error.hpp"
#include "scenarios/journal.hpp"

namespace obsctl::scenarios {

/// The journal document in `file`: a journal.json as it is, or the document of the stream in a
/// journal.ndjson, which is all that a run leaves that did not come to its end; the id of that run is the
/// name of its folder. Only the outermost keys are checked. Errors: those of core::read_file; invalid_input
/// (no journal, or one of a schema that is not known).
core::Result<Json> read_journal(const std::filesystem::path& file);

/// The same of the text of a file, whose name and place say the rest. Errors: invalid_input.
core::Result<Json> parse_journal(std::string_view text, const std::filesystem::path& file);

}  // namespace obsctl::scenarios
