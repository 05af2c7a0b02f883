// The subcommands of `obsctl load`, and the search that `load run --find-max` is.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_line.hpp"
#include "cli/load_options.hpp"
#include "loadgen/plan.hpp"

namespace obsctl::cli {

/// Adds `run` to `load`.
void add_load_run(CommandLine& line, CLI::App& load);

/// `load run --find-max`: tries rates, prints the curve and the knee. The exit code: passed, failed (no rate
/// was good) or inconclusive (no limit was found). Errors: usage for options that make no sense in a search,
/// and those of LoadRun::start.
core::Result<int> find_max(const LoadOptions& options, const loadgen::LoadPlan& plan, Context& context);

}  // namespace obsctl::cli
