// Load for a person's eyes: the live line while it runs, the summary afterwards, tables of comparisons and
// capacities.
#pragma once

#include <string>
#include <vector>

#include "loadgen/capacity.hpp"
#include "loadgen/combine.hpp"
#include "loadgen/statistics.hpp"

namespace obsctl::cli {

/// "00:12  998/1000 rps  err 0.0%  p50 1.2ms  p99 8.1ms  in flight 3  ▁▂▁▁█": one line without its end.
std::string load_live_line(const loadgen::Snapshot& snapshot, const std::vector<loadgen::Window>& windows);

/// The beginning of a line of UTF-8 that fits into so many columns, a character a column: up to a gap of two
/// blanks where there is one, so that no number loses its end.
std::string cut_to_columns(const std::string& line, std::size_t columns);

/// Values as eight heights, the largest the highest.
std::string sparkline(const std::vector<double>& values);

/// What an SRE pastes into a ticket: plain text, at most 80 columns wide where names allow, ends with a
/// newline.
std::string load_summary_text(const loadgen::Summary& summary);

std::string comparison_text(const loadgen::Comparison& comparison);
std::string capacity_text(const loadgen::Capacity& capacity, const std::string& condition);

}  // namespace obsctl::cli
