// [[check]] of a scenario: one of the questions of verifiers/check.hpp, each kind with keys of its own.
#include <fmt/format.h>

#include "core/regex.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;
using verifiers::Question;

namespace {

const std::vector<std::string> kKinds{"targets", "rules", "query",      "absent", "recording",
                                      "alert",   "quiet", "suppressed", "http"};

verifiers::QueryWithin read_query_within(TomlTable& table) {
  verifiers::QueryWithin question{required_text(table, "query"), {}};
  if (table.has("tolerance")) question.bounds = required_bounds(table, "tolerance");
  return question;
}

verifiers::RecordingAgrees read_recording(TomlTable& table) {
  verifiers::RecordingAgrees question{required_text(table, "rule")};
  const auto tolerance = table.number("tolerance");
  if (tolerance && (*tolerance < 0 || *tolerance > 1)) {
    table.report_at("tolerance",
                    fmt::format("{}.tolerance must be from 0 to 1, not {}", table.path(), *tolerance),
                    "it is the relative difference: 0.01 is 1 %");
  }
  question.tolerance = tolerance.value_or(question.tolerance);
  return question;
}

verifiers::AlertIs read_alert_is(TomlTable& table) {
  verifiers::AlertIs question{required_text(table, "alert")};
  question.labels = table.string_map("labels");
  const auto state = table.one_of("state", {"inactive", "pending", "firing"});
  if (state == "inactive") question.state = verifiers::AlertState::inactive;
  if (state == "pending") question.state = verifiers::AlertState::pending;
  return question;
}

/// `url`, or `path` on a `target`, which becomes the URL when it is known where that is.
verifiers::HttpAnswers read_http(TomlTable& table, CheckStep& step) {
  verifiers::HttpAnswers question;
  if (table.has("url")) {
    question.url = read_url(table);
  } else {
    step.target = required_text(table, "target");
    question.url = table.string("path").value_or("/");
    if (!question.url.starts_with('/'))
      table.report_at("path", fmt::format("{}.path must begin with /", table.path()));
  }
  question.status = read_integer(table, "status", 0, 599).value_or(question.status);
  question.body = table.string("body").value_or("");
  if (const auto body = core::Regex::parse(question.body); !body)
    table.report_at("body", fmt::format("{}.body: {}", table.path(), body.error().message),
                    body.error().hint);
  return question;
}

Question read_question(TomlTable& table, const std::string& kind, CheckStep& step) {
  if (kind == "targets") {
    return verifiers::TargetsUp{table.string("job").value_or("*"),
                                read_integer(table, "at_least", 0, 1'000'000).value_or(1)};
  }
  if (kind == "rules") return verifiers::RulesHealthy{table.string("group").value_or("*")};
  if (kind == "query") return read_query_within(table);
  if (kind == "absent") return verifiers::SeriesAbsent{required_text(table, "query")};
  if (kind == "recording") return read_recording(table);
  if (kind == "alert") return read_alert_is(table);
  if (kind == "quiet") return verifiers::NothingFires{table.strings("except")};
  if (kind == "suppressed") {
    return verifiers::AlertSuppressed{required_text(table, "alert"),
                                      table.one_of("by", {"inhibition", "silence", "mute"}).value_or("")};
  }
  return read_http(table, step);
}

}  // namespace

CheckStep read_check(TomlTable& table, std::size_t index) {
  CheckStep step;
  if (!table.has("kind")) {
    table.report(fmt::format("{}.kind is missing", table.path()),
                 fmt::format("add kind = one of {}", fmt::join(kKinds, ", ")));
  }
  const auto kind = table.one_of("kind", kKinds);
  if (!kind) return step;  // without it nothing else can be read, and none of it is a mistake
  step.name = read_name(table, "name", fmt::format("{}-{}", *kind, index + 1));
  step.question = read_question(table, *kind, step);
  const auto when = table.one_of("when", {"before", "after", "both"});
  step.before = when != "after";
  step.after = when != "before";
  step.within = read_duration(table, "within", Least::zero).value_or(step.within);
  table.finish();
  return step;
}

}  // namespace obsctl::scenarios
