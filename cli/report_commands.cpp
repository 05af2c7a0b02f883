// obsctl report: render, open and diff. All from journals alone; nothing is asked or started.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/report/html_report.hpp"
#include "cli/report/junit_report.hpp"
#include "cli/report/markdown_report.hpp"
#include "cli/report/report_diff.hpp"
#include "cli/run_store.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "scenarios/journal_file.hpp"

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using scenarios::Json;

namespace {

struct RenderFlags {
  std::string run = "last";
  std::string html, markdown, junit, json;

  bool any() const { return !html.empty() || !markdown.empty() || !junit.empty() || !json.empty(); }
};

std::string document_text(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// To a file, or to standard output for "-".
Result<void> deliver(const std::string& where, const std::string& text) {
  if (where != "-") return core::write_file(where, text);
  fmt::print("{}", text);
  return {};
}

Result<int> render(const RenderFlags& flags) {
  int to_output = 0;
  for (const std::string* where : {&flags.html, &flags.markdown, &flags.junit, &flags.json})
    to_output += *where == "-" ? 1 : 0;
  if (to_output > 1) {
    return core::make_error(ErrorKind::usage, "only one report can go to standard output",
                            "give the others a file's name instead of -");
  }
  const auto file = find_journal(flags.run);
  if (!file) return file.error();
  const auto document = scenarios::read_journal(*file);
  if (!document) return document.error();
  const RunReport report = read_report(*document);
  if (!flags.any()) {
    const fs::path page = file->parent_path() / "report.html";
    if (auto written = core::write_file(page, html_report(report)); !written) return written.error();
    fmt::print("{}\n", page.string());
    return kPassed;
  }
  // Each is made only where it is asked for.
  if (!flags.html.empty()) {
    if (auto done = deliver(flags.html, html_report(report)); !done) return done.error();
  }
  if (!flags.markdown.empty()) {
    if (auto done = deliver(flags.markdown, markdown_report(report)); !done) return done.error();
  }
  if (!flags.junit.empty()) {
    if (auto done = deliver(flags.junit, junit_report(report)); !done) return done.error();
  }
  if (!flags.json.empty()) {
    if (auto done = deliver(flags.json, document_text(*document)); !done) return done.error();
  }
  return kPassed;
}

/// Whether there is a desktop that could show a page.
bool has_desktop() {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return true;
  }
  return false;
}

Result<int> open(const std::string& run) {
  const auto file = find_journal(run);
  if (!file) return file.error();
  const auto document = scenarios::read_journal(*file);
  if (!document) return document.error();
  const fs::path page = fs::absolute(file->parent_path() / "report.html");
  // Always anew: an older obsctl may have made the one that is there.
  if (auto written = core::write_file(page, html_report(read_report(*document))); !written)
    return written.error();
  fmt::print("{}\n", page.string());
  const auto opener = core::find_program({"xdg-open"});
  if (!has_desktop() || !opener) return kPassed;
  if (const auto started = core::start_detached({.argv = {opener->string(), page.string()}}); !started)
    return started.error();
  return kPassed;
}

Result<int> diff(const std::string& a, const std::string& b, bool json, bool colour) {
  const auto before = open_journal(a);
  if (!before) return before.error();
  const auto after = open_journal(b);
  if (!after) return after.error();
  const auto compared = compare(read_report(*before), read_report(*after));
  if (!compared) return compared.error();
  fmt::print("{}", json ? document_text(diff_json(*compared)) : diff_text(*compared, colour));
  return compared->worse.empty() ? kPassed : kFailed;
}

void add_render(CLI::App& group, CommandLine& line) {
  const auto flags = std::make_shared<RenderFlags>();
  CLI::App* command = group.add_subcommand("render", "draws a run again from its journal");
  command->add_option("RUN", flags->run, "a run's id, \"last\", its folder or a journal file")
      ->capture_default_str();
  command->add_option("--html", flags->html, "one self-contained page; - for standard output")
      ->type_name("FILE");
  command->add_option("--markdown", flags->markdown, "for a pull request or a job's summary")
      ->type_name("FILE");
  command->add_option("--junit", flags->junit, "JUnit XML")->type_name("FILE");
  command->add_option("--json", flags->json, "the journal document itself")->type_name("FILE");
  command->footer("Without a flag report.html is written beside the journal and its path is printed.");
  command->callback([flags, &line] { line.action = [flags](Context&) { return render(*flags); }; });
}

}  // namespace

void add_report_commands(CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("report", "draws, opens and compares the reports of runs");
  group->require_subcommand(1);
  add_render(*group, line);

  const auto run = std::make_shared<std::string>("last");
  CLI::App* opening = group->add_subcommand("open", "shows a report in the browser, or prints where it is");
  opening->add_option("RUN", *run, "a run's id, \"last\", its folder or a journal file")
      ->capture_default_str();
  opening->callback([run, &line] { line.action = [run](Context&) { return open(*run); }; });

  const auto pair = std::make_shared<std::pair<std::string, std::string>>();
  const auto json = std::make_shared<bool>(false);
  CLI::App* comparing = group->add_subcommand("diff", "did detection, notification or clearing get slower?");
  comparing->add_option("A", pair->first, "the run before: as for render")->required();
  comparing->add_option("B", pair->second, "the run after")->required();
  comparing->add_flag("--json", *json, "one JSON document");
  comparing->footer("Exit codes: 0 B is not worse than A, 1 it is, 2 they cannot be compared.");
  comparing->callback([pair, json, &line] {
    line.action = [pair, json](Context& context) {
      return diff(pair->first, pair->second, *json, context.colour_out);
    };
  });
}

}  // namespace obsctl::cli
