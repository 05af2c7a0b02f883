// obsctl load: its subcommands merge and compare; run has files of its own.
#include "cli/load_commands.hpp"

#include <charconv>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/load_display.hpp"
#include "core/file.hpp"
#include "loadgen/combine.hpp"

namespace obsctl::cli {

namespace {

using core::Result;

Result<loadgen::Summary> read_summary(const std::string& path) {
  const auto text = core::read_file(path);
  if (!text) return text.error();
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  auto summary = json.is_discarded() ? core::make_error(core::ErrorKind::invalid_input, "not JSON")
                                     : loadgen::summary_from_json(json);
  if (!summary) {
    core::Error error = summary.error();
    error.where = core::SourcePosition{path, 0, 0};
    return error;
  }
  return *summary;
}

Result<int> run_merge(const std::vector<std::string>& files, bool json) {
  std::vector<loadgen::Summary> parts;
  for (const std::string& file : files) {
    auto part = read_summary(file);
    if (!part) return part.error();
    parts.push_back(std::move(*part));
  }
  const auto sum = loadgen::merge(parts);
  if (!sum) return sum.error();
  if (json) {
    fmt::print("{}\n", nlohmann::json(*sum).dump(1));
  } else {
    fmt::print("{}", load_summary_text(*sum));
  }
  return int{sum->generator_limited.limited ? kInconclusive : kPassed};
}

/// "5%" or "0.05".
Result<double> share_of(std::string_view text) {
  const bool percent = !text.empty() && text.back() == '%';
  const std::string_view digits = text.substr(0, text.size() - (percent ? 1 : 0));
  double value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size() || !(value >= 0)) {
    return core::make_error(core::ErrorKind::usage, fmt::format("--tolerance: \"{}\" is not a share", text),
                            "write it as 5% or 0.05");
  }
  return percent ? value / 100 : value;
}

Result<int> run_compare(const std::string& before, const std::string& after, const std::string& tolerance,
                        bool json) {
  const auto share = share_of(tolerance);
  if (!share) return share.error();
  const auto a = read_summary(before);
  if (!a) return a.error();
  const auto b = read_summary(after);
  if (!b) return b.error();
  const auto comparison = loadgen::compare(*a, *b, *share);
  if (json) {
    constexpr const char* kWords[] = {"same", "better", "worse", "unknown"};
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& row : comparison.rows) {
      rows.push_back({{"metric", row.metric},
                      {"before", row.before},
                      {"after", row.after},
                      {"p_value", row.p_value},
                      {"change", kWords[static_cast<std::size_t>(row.change)]}});
    }
    const nlohmann::json document = {{"schema", 1},
                                     {"kind", "load-comparison"},
                                     {"verdict", kWords[static_cast<std::size_t>(comparison.verdict)]},
                                     {"doubt", comparison.doubt},
                                     {"rows", rows}};
    fmt::print("{}\n", document.dump(1));
  } else {
    fmt::print("{}", comparison_text(comparison));
  }
  if (comparison.verdict == loadgen::Change::unknown) return int{kInconclusive};
  return int{comparison.verdict == loadgen::Change::worse ? kFailed : kPassed};
}

void add_merge_command(CommandLine& line, CLI::App& load) {
  struct Merge {
    std::vector<std::string> files;
    bool json = false;
  };
  const auto options = std::make_shared<Merge>();
  CLI::App* merge = load.add_subcommand("merge", "Add the results of several generators exactly");
  merge->add_option("files", options->files, "results of obsctl load run --json or --output")->required();
  merge->add_flag("--json", options->json, "one JSON document on standard output");
  merge->footer(
      "Example:\n  obsctl load merge a.json b.json\n\n"
      "Results that cannot be added (other targets, stripes of other schedules, other times) are refused.");
  merge->callback([&line, options] {
    line.action = [options](Context&) { return run_merge(options->files, options->json); };
  });
}

void add_compare_command(CommandLine& line, CLI::App& load) {
  struct Compare {
    std::string before;
    std::string after;
    std::string tolerance = "5%";
    bool json = false;
  };
  const auto options = std::make_shared<Compare>();
  CLI::App* compare = load.add_subcommand("compare", "Say whether the second of two results is worse");
  compare->add_option("before", options->before, "result to compare with")->required();
  compare->add_option("after", options->after, "result to judge")->required();
  compare->add_option("--tolerance", options->tolerance, "smaller changes are none")->capture_default_str();
  compare->add_flag("--json", options->json, "one JSON document on standard output");
  compare->footer(
      "A change counts when it is larger than --tolerance and the one-second windows of the two runs differ "
      "by\n"
      "more than chance would have it (Mann-Whitney, p < 0.01).\n\n"
      "Exit codes: 0 same or better, 1 worse, 3 the runs are too short to tell");
  compare->callback([&line, options] {
    line.action = [options](Context&) {
      return run_compare(options->before, options->after, options->tolerance, options->json);
    };
  });
}

}  // namespace

void add_load_commands(CommandLine& line) {
  CLI::App* load = line.app.add_subcommand("load", "Load: send it, add it up, compare it");
  load->require_subcommand(1);
  add_load_run(line, *load);
  add_merge_command(line, *load);
  add_compare_command(line, *load);
}

}  // namespace obsctl::cli
