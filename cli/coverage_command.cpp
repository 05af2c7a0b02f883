// obsctl verify coverage: which rule has ever been proven to reach which receiver.
#include "cli/coverage_command.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/stack_display.hpp"
#include "core/file.hpp"
#include "scenarios/journal_file.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Result;
using scenarios::Coverage;
using scenarios::CoverageRow;
using scenarios::Json;
namespace fs = std::filesystem;

namespace {

struct CoverageFlags {
  Monitoring monitoring;
  std::vector<std::string> journals;
  std::string least;
  bool json = false;
};

/// "80%" or "0.8", as a ratio.
Result<double> parse_ratio(const std::string& text) {
  const bool percent = text.ends_with('%');
  const std::string digits = text.substr(0, text.size() - (percent ? 1 : 0));
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end) / (percent ? 100 : 1);
  if (digits.empty() || *end != '\0' || !(value >= 0 && value <= 1)) {
    return core::make_error(ErrorKind::usage, fmt::format("--min {}: not a part of the whole", text),
                            "write it as 80% or 0.8");
  }
  return value;
}

Json to_json(const CoverageRow& row) {
  Json json{{"group", row.group},
            {"alert", row.alert},
            {"receiver", row.receiver},
            {"state", to_string(row.state)},
            {"rule_sha256", row.rule_sha256}};
  if (row.proof) {
    json["proof"] = {{"run", row.proof->run},
                     {"at", row.proof->at},
                     {"scenario", row.proof->scenario},
                     {"time_scale", row.proof->time_scale},
                     {"rule_sha256", row.proof->rule_sha256}};
  }
  return json;
}

void print_json(const Coverage& coverage, std::size_t journals) {
  Json document{{"schema", 1},
                {"ratio", coverage.ratio()},
                {"proven", coverage.count(CoverageRow::State::proven)},
                {"stale", coverage.count(CoverageRow::State::stale)},
                {"never", coverage.count(CoverageRow::State::never)},
                {"journals", journals},
                {"rows", Json::array()}};
  for (const CoverageRow& row : coverage.rows) document["rows"].push_back(to_json(row));
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_table(const Coverage& coverage, std::size_t journals) {
  std::vector<std::vector<std::string>> rows{{"ALERT", "RECEIVER", "STATE", "WHEN", "SCENARIO"}};
  for (const CoverageRow& row : coverage.rows) {
    std::string scenario = row.proof ? row.proof->scenario : "";
    if (row.proof && row.proof->time_scale != 1.0)
      scenario += fmt::format(" (time-scale {})", row.proof->time_scale);
    rows.push_back({row.alert, row.receiver.empty() ? "-" : row.receiver, std::string(to_string(row.state)),
                    row.proof ? row.proof->at.substr(0, 16) : "", scenario});
  }
  fmt::print("{}\n{} of {} proven ({:.0f}%), {} stale, {} never, by {} journal{}\n", table(rows),
             coverage.count(CoverageRow::State::proven), coverage.rows.size(), 100 * coverage.ratio(),
             coverage.count(CoverageRow::State::stale), coverage.count(CoverageRow::State::never), journals,
             journals == 1 ? "" : "s");
}

Result<int> coverage(const CoverageFlags& flags, Context& context) {
  double least = 0;
  if (!flags.least.empty()) {
    const auto ratio = parse_ratio(flags.least);
    if (!ratio) return ratio.error();
    least = *ratio;
  }
  const auto places = find_prometheus(flags.monitoring);
  if (!places) return places.error();
  const auto journals = read_journals(flags.journals, context.log);
  if (!journals) return journals.error();
  const auto situation = look_at(*places, context.stop);
  if (!situation) return situation.error();
  const Coverage covered = cover(*situation, places->time_scale, *journals);
  if (flags.json) {
    print_json(covered, journals->size());
  } else {
    print_table(covered, journals->size());
  }
  if (covered.ratio() >= least) return kPassed;
  context.log.error(fmt::format("{:.0f}% is less than --min {}", 100 * covered.ratio(), flags.least));
  return kFailed;
}

}  // namespace

Result<std::vector<Json>> read_journals(std::vector<std::string> folders, core::Logger& log) {
  const bool by_default = folders.empty();
  if (by_default) folders.push_back((core::state_directory() / "runs").string());
  std::vector<fs::path> files;
  for (const std::string& folder : folders) {
    std::error_code problem;
    if (fs::is_regular_file(folder, problem)) files.emplace_back(folder);
    if (fs::is_regular_file(folder, problem)) continue;
    fs::recursive_directory_iterator found(folder, fs::directory_options::skip_permission_denied, problem);
    if (problem && by_default) break;  // no run yet
    if (problem) {
      return core::make_error(ErrorKind::not_found,
                              fmt::format("cannot read {}: {}", folder, problem.message()),
                              "name a folder of journals, or a journal.json");
    }
    for (const fs::directory_entry& entry : found) {
      if (entry.path().extension() == ".json" && entry.is_regular_file(problem))
        files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Json> journals;
  for (const fs::path& file : files) {
    auto journal = scenarios::read_journal(file);
    if (journal) {
      journals.push_back(std::move(*journal));
    } else {
      log.warn(fmt::format("left out: {}", to_line(journal.error())));
    }
  }
  return journals;
}

void add_journals(CLI::App& command, std::vector<std::string>& folders) {
  command
      .add_option(
          "--journals", folders,
          "where journals are: a folder, or a file; may be repeated (default: the runs on this machine)")
      ->type_name("FOLDER");
}

void add_verify_coverage(CLI::App& verify, CommandLine& line) {
  const auto flags = std::make_shared<CoverageFlags>();
  CLI::App* command = verify.add_subcommand(
      "coverage", "which loaded rule was ever proven to reach which receiver, by earlier runs");
  add_monitoring(*command, flags->monitoring);
  add_journals(*command, flags->journals);
  command->add_option("--min", flags->least, "fail when less than this is proven: 80%")->type_name("PART");
  command->add_flag("--json", flags->json, "one document on standard output");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return coverage(*flags, context); }; });
}

}  // namespace obsctl::cli
