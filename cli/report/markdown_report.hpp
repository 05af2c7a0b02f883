// A run as Markdown, for a pull request or the summary of a CI job: the verdict, one table, evidence folded.
#pragma once

#include <cstddef>
#include <string>

#include "cli/report/run_report.hpp"

namespace obsctl::cli {

/// GitHub refuses step summaries of 1 MiB and more.
inline constexpr std::size_t kLongestMarkdown = (1u << 20) - 4096;

/// GitHub's Markdown, never longer than `limit` bytes (at least 8192): what does not fit is left out,
/// evidence first, and a line says so. Text from outside cannot become markup.
std::string markdown_report(const RunReport& report, std::size_t limit = kLongestMarkdown);

}  // namespace obsctl::cli
