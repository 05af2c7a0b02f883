// Where runs are kept: a folder for each below the state directory, named after its id.
#pragma once

#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "scenarios/journal.hpp"

namespace obsctl::cli {

/// Makes the folder of a new run and removes the oldest ones. Errors: unavailable.
core::Result<std::filesystem::path> new_run_folder(const std::string& id);

/// The journal that a person means: the id of a run, "last" for the newest that came to an end, the folder of
/// a run, or a file. journal.json where there is one, otherwise the stream that a run leaves that did not
/// end. Errors: not_found.
core::Result<std::filesystem::path> find_journal(const std::string& run);

/// That, read. Errors: those of find_journal and scenarios::read_journal.
core::Result<scenarios::Json> open_journal(const std::string& run);

}  // namespace obsctl::cli
