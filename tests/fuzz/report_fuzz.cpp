// libFuzzer target for journals and the reports that are made of them: a journal may come from anywhere, and
// whatever it holds, a page stays text without scripts and Markdown stays inside its limit. Build and run:
// make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/report/html_report.hpp"
#include "cli/report/junit_report.hpp"
#include "cli/report/markdown_report.hpp"
#include "cli/report/report_diff.hpp"
#include "scenarios/journal_file.hpp"

using namespace obsctl::cli;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = obsctl::scenarios::parse_journal(text, "run/journal.json");
  if (!document) {
    require(!document.error().message.empty());
    return 0;
  }
  const RunReport report = read_report(*document);
  const std::string page = html_report(report);
  require(page.ends_with("</html>\n"));
  for (const char* markup : {"<script", "<img", "<iframe", "<link", "<style>\n<"})
    require(!has(page, markup));
  require(!has(junit_report(report), "<script"));
  require(markdown_report(report, 8192).size() <= 8192);
  const auto same = compare(report, report);
  require(same && same->changes.empty());
  require(!diff_text(*same, true).empty() && diff_json(*same).contains("worse"));
  return 0;
}
