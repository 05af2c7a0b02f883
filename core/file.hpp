// Files, with errors as values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace obsctl::core {

/// The whole file. Errors: not_found, unavailable (permissions, a directory), each naming the path.
Result<std::string> read_file(const std::filesystem::path& path);

/// Writes beside `path` and renames, so that a reader sees the old file or the new one, never half of it.
/// Missing parent folders are made. `mode` is the new file's permissions. Errors: unavailable.
Result<void> write_file(const std::filesystem::path& path, std::string_view content, unsigned mode = 0644);

/// Where obsctl keeps what outlives a command: $XDG_STATE_HOME/obsctl, else ~/.local/state/obsctl, else
/// /tmp/obsctl-<uid>. Not created.
std::filesystem::path state_directory();

/// Where obsctl's own data (stacks/, scenarios/library/) may be, best first: $OBSCTL_DATA_DIR alone where it
/// is set; else the checkout that the binary was built in, else ../share/obsctl beside an installed one.
/// $OBSCTL_BINARY stands in for this process's own program. None of them need exist.
std::vector<std::filesystem::path> data_directories();

/// A new private folder (0700) `<parent>/<prefix>XXXXXX`; parents are made. Errors: unavailable.
Result<std::filesystem::path> make_private_directory(const std::filesystem::path& parent,
                                                     std::string_view prefix);

/// A ULID (https://github.com/ulid/spec): 26 characters, sortable by time of creation.
std::string new_run_id();

}  // namespace obsctl::core
