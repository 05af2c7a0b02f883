// Every renderer against files that were looked at once: tests/golden/reports/NAME holds the journal of a run
// and what is made of it. OBSCTL_UPDATE_GOLDEN=1 writes them anew; look at the difference before committing.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "cli/report/html_report.hpp"
#include "cli/report/junit_report.hpp"
#include "cli/report/markdown_report.hpp"
#include "cli/report/report_diff.hpp"
#include "core/file.hpp"
#include "scenarios/journal_file.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace obsctl::cli;
namespace fs = std::filesystem;
using scenarios::Json;

namespace {

const fs::path kRuns = "tests/golden/reports";

std::vector<fs::path> runs() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(kRuns)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

Json journal_of(const fs::path& run) {
  const bool document = fs::exists(run / "journal.json");
  return scenarios::read_journal(run / (document ? "journal.json" : "journal.ndjson")).value();
}

/// The first line that differs says where to look; the whole would fill the screen.
std::string first_difference(const std::string& wanted, const std::string& got) {
  std::size_t line = 1;
  std::size_t at = 0;
  while (at < std::min(wanted.size(), got.size()) && wanted[at] == got[at])
    line += wanted[at++] == '\n' ? 1 : 0;
  const auto around = [at](const std::string& text) { return text.substr(at < 40 ? 0 : at - 40, 160); };
  return fmt::format("line {}\n-- wanted\n{}\n-- got\n{}", line, around(wanted), around(got));
}

void check_golden(const fs::path& file, const std::string& text) {
  if (std::getenv("OBSCTL_UPDATE_GOLDEN") != nullptr) {
    core::write_file(file, text).value();
    return;
  }
  const auto wanted = core::read_file(file);
  if (!wanted) {
    FAIL_CHECK(file << " is missing; OBSCTL_UPDATE_GOLDEN=1 writes it");
  } else if (*wanted != text) {
    FAIL_CHECK(file << " differs: " << first_difference(*wanted, text));
  }
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What is wrong with the nesting of a page's elements; empty when nothing is.
std::string nesting_problem(const std::string& page) {
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag has no end";
    const bool closes = page[at + 1] == '/';
    const std::size_t from = at + (closes ? 2 : 1);
    const std::string name = page.substr(from, page.find_first_of(" >/\n", from) - from);
    if (name == "!doctype" || name == "meta" || name == "br" || name == "wbr" || page[end - 1] == '/')
      continue;
    if (!closes) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + " is never closed";
}

}  // namespace

TEST_CASE("every renderer makes of a journal what it made when somebody looked at it") {
  const fs::path run = GENERATE(from_range(runs()));
  CAPTURE(run);
  const Json document = journal_of(run);
  const RunReport report = read_report(document);
  check_golden(run / "report.html", html_report(report));
  check_golden(run / "report.md", markdown_report(report));
  check_golden(run / "junit.xml", junit_report(report));
  if (!fs::exists(run / "journal.json"))
    check_golden(run / "document.json", document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

TEST_CASE("the same journal gives the same bytes") {
  const Json document = journal_of(kRuns / "half-an-hour");
  CHECK(html_report(read_report(document)) == html_report(read_report(document)));
  CHECK(markdown_report(read_report(document)) == markdown_report(read_report(document)));
}

TEST_CASE("a page needs nothing but itself, is well nested and runs no script") {
  const fs::path run = GENERATE(from_range(runs()));
  CAPTURE(run);
  const std::string page = html_report(read_report(journal_of(run)));
  CHECK(nesting_problem(page) == "");
  for (const char* outside :
       {"<script", "<link", "<img", "<iframe", " src=\"", "@import", "url(", " onload=\"", " style=\""})
    CHECK_FALSE(has(page, outside));
  for (const char* value : {"\"nan", " nan", ">nan", "\"inf", " inf\"", ">inf"})
    CHECK_FALSE(has(page, value));
  CHECK(page.size() < 400'000);
}

TEST_CASE("what a page must contain is there") {
  const std::string page = html_report(read_report(journal_of(kRuns / "passed")));
  for (const char* part : {"✓ PASSED",
                           "15 of 15 expectations met",
                           "Fault errors confirmed, and confirmed removed",
                           "01M7",
                           "2026-11-21 10:25:28 UTC",
                           "f90aad4007729dffd826ebca4851ab75bde426f3",
                           "prometheus, version 2.42.0",
                           "SHA-256 of the scenario",
                           "prometheus/alerts.yml",
                           "Seed of load browse",
                           "scaled by 0.2",
                           "- alert: HighErrorRate",
                           "evaluation (E)",
                           "group_interval (GI)",
                           "nothing else fired",
                           "Routed to",
                           "&quot;startsAt&quot;",
                           "asked for, 200.01/s sent",
                           "Service p50",
                           "Lateness of obsctl itself",
                           "gone: the load&#39;s error_ratio is 0",
                           "id=\"timeline\"",
                           "id=\"rate-1\"",
                           "id=\"latency-1\"",
                           "id=\"rule-1\"",
                           "id=\"stages\""}) {
    CAPTURE(part);
    CHECK(has(page, part));
  }
}

TEST_CASE("Markdown keeps its limit and says what it left out") {
  const RunReport report = read_report(journal_of(kRuns / "passed"));
  const std::string whole = markdown_report(report);
  CHECK_FALSE(has(whole, "left out to keep this short"));
  const std::size_t limit = GENERATE(8192, 9000, 10000);
  const std::string text = markdown_report(report, limit);
  CHECK(text.size() <= limit);
  CHECK(has(text, "### ✓ PASSED http-api/error-spike"));
  CHECK(has(text, "left out to keep this short; the HTML report has everything."));
}

TEST_CASE("two runs side by side") {
  const RunReport passed = read_report(journal_of(kRuns / "passed"));
  const auto other = GENERATE(values<std::string>({"failed-late", "failed-missed", "older"}));
  const ReportDiff diff = compare(passed, read_report(journal_of(kRuns / other))).value();
  check_golden(kRuns / ("diff-passed-" + other + ".txt"), diff_text(diff, false));
  check_golden(kRuns / ("diff-passed-" + other + ".json"), diff_json(diff).dump(1) + "\n");
}
