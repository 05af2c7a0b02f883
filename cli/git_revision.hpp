// Which state of a repository something was in, for the journal.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

namespace obsctl::cli {

/// The commit that `folder` is at, with "-dirty" where files that git knows have been changed; empty where
/// there is no repository, no git, or no answer within 2 s. Main thread only.
std::string git_revision(const std::filesystem::path& folder, const std::stop_token& stop);

}  // namespace obsctl::cli
