// Every mistake of a file is found in one go; TomlTable knows where each stands.
#include "verifiers/route_checks_file.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "verifiers/synthetic_alerts.hpp"

namespace obsctl::verifiers {

using core::ErrorKind;
using core::TomlTable;

namespace {

const std::vector<std::string>& suppression_names() {
  static const std::vector<std::string> names = {"inhibition", "silence", "time"};
  return names;
}

Suppression suppression_of(std::string_view name) {
  for (const Suppression one : {Suppression::inhibition, Suppression::silence, Suppression::time}) {
    if (to_string(one) == name) return one;
  }
  return Suppression::none;
}

/// What is wrong with labels to send; empty when nothing is.
std::string label_problem(const Labels& labels) {
  if (labels.empty()) return "an alert needs at least one label";
  for (const auto& [name, value] : labels) {
    if (name == kSyntheticLabel) return fmt::format("the label {} is obsctl's own", name);
    if (name.empty()) return "a label has no name";
    if (value.empty()) return fmt::format("the label {} is empty, which is the same as not there", name);
  }
  return {};
}

constexpr std::string_view kLabelHint = R"(write them as labels = { alertname = "HighErrorRate" })";

Labels read_labels(TomlTable& table) {
  Labels labels = table.string_map("labels");
  const bool spoilt = table.has("labels") && labels.empty();
  if (const std::string problem = label_problem(labels); !problem.empty() && !spoilt)
    table.report_at("labels", problem, std::string(kLabelHint));
  return labels;
}

std::vector<Labels> read_beside(TomlTable& table) {
  std::vector<Labels> all;
  for (TomlTable& one : table.tables("beside")) {
    Labels labels;
    for (const std::string& name : one.keys()) {
      if (const auto value = one.string(name)) labels[name] = *value;
    }
    if (const std::string problem = label_problem(labels); !problem.empty())
      one.report(problem, R"(write it as beside = [ { alertname = "InstanceDown" } ])");
    all.push_back(std::move(labels));
  }
  return all;
}

std::vector<RouteText> read_text(TomlTable& table) {
  std::vector<RouteText> all;
  for (const auto& [name, pattern] : table.string_map("text")) {
    const auto kind = parse_notification_kind(name);
    if (!kind) table.report_at("text", "text: " + kind.error().message, kind.error().hint);
    auto compiled = core::Regex::parse(pattern);
    if (!compiled)
      table.report_at("text", fmt::format("text.{}: {}", name, compiled.error().message),
                      compiled.error().hint);
    if (kind && compiled) all.push_back({*kind, pattern, std::move(*compiled)});
  }
  return all;
}

RouteCheck read_check(TomlTable& table) {
  RouteCheck check;
  check.labels = read_labels(table);
  check.name = table.string("name").value_or(to_text(check.labels));
  check.annotations = table.string_map("annotations");
  check.beside = read_beside(table);
  if (table.has("receivers")) {
    check.receivers = table.strings("receivers");
    if (check.receivers->empty())
      table.report_at("receivers", "receivers is empty, but every alert reaches one",
                      "leave it out, or name the receiver that tells nobody");
  }
  if (table.has("group_by")) check.group_by = table.strings("group_by");
  if (const auto by = table.one_of("suppressed_by", suppression_names()))
    check.suppressed_by = suppression_of(*by);
  check.text = read_text(table);
  if (!check.text.empty() && check.suppressed_by != Suppression::none)
    table.report_at("text", "text is expected of an alert that is to be suppressed",
                    "leave out one of the two: no notification of it has a text");
  table.finish();
  return check;
}

RouteSilence read_silence(TomlTable& table) {
  RouteSilence silence;
  silence.comment = table.string("comment").value_or("obsctl verify routes");
  for (const std::string& text : table.strings("matchers")) {
    auto parsed = LabelMatcher::parse(text);
    if (!parsed) {
      table.report_at("matchers", parsed.error().message, R"(write it as matchers = ['team="db"'])");
      continue;
    }
    std::move(parsed->begin(), parsed->end(), std::back_inserter(silence.matchers));
  }
  if (!table.has("matchers")) table.report("matchers is missing", R"(write it as matchers = ['team="db"'])");
  table.finish();
  return silence;
}

core::Error usage(std::string message, std::string hint) {
  return core::make_error(ErrorKind::usage, std::move(message), std::move(hint));
}

}  // namespace

RouteChecks read_route_checks(std::string_view text, const std::string& file,
                              std::vector<core::Error>& errors) {
  RouteChecks checks;
  auto parsed = core::TomlFile::parse(text, file);
  if (!parsed) {
    errors.push_back(parsed.error());
    return checks;
  }
  TomlTable root = parsed->root();
  if (const auto schema = root.integer("schema"); schema && *schema != 1)
    root.report_at("schema", fmt::format("schema {} is not known", *schema), "this obsctl reads schema 1");
  for (TomlTable& table : root.tables("route")) checks.checks.push_back(read_check(table));
  for (TomlTable& table : root.tables("silence")) checks.silences.push_back(read_silence(table));
  if (!root.has("schema")) root.report("schema is missing", "begin the file with schema = 1");
  if (!root.has("route")) root.report("there is no route to prove", "add a [[route]] with labels");
  root.finish();
  errors = parsed->errors();
  return checks;
}

Result<Labels> parse_label_set(const std::string& text) {
  const std::string hint = "write it as alertname=HighErrorRate,severity=critical";
  const auto matchers = LabelMatcher::parse(text);
  if (!matchers) return usage(fmt::format("the label set \"{}\": {}", text, matchers.error().message), hint);
  Labels labels;
  for (const LabelMatcher& matcher : *matchers) {
    if (matcher.operation() != LabelMatcher::Operator::equal)
      return usage(fmt::format("the label set \"{}\": {} is a condition, not a label", text, matcher.text()),
                   hint);
    labels[matcher.name()] = matcher.value();
  }
  if (const std::string problem = label_problem(labels); !problem.empty())
    return usage(fmt::format("the label set \"{}\": {}", text, problem), hint);
  return labels;
}

Result<void> add_expectation(RouteCheck& check, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (key == "receiver" && !value.empty()) {
    if (!check.receivers) check.receivers.emplace();
    check.receivers->push_back(value);
    return {};
  }
  if (key == "group_by" && equals != std::string::npos) {
    check.group_by.emplace();
    if (value.empty()) return {};
    for (const std::string_view name : core::split(value, ','))
      check.group_by->emplace_back(core::trimmed(name));
    return {};
  }
  if (key == "suppressed_by" && suppression_of(value) != Suppression::none) {
    check.suppressed_by = suppression_of(value);
    return {};
  }
  const std::vector<std::string> keys = {"receiver", "group_by", "suppressed_by"};
  return usage(fmt::format("--expect \"{}\" is not understood{}", text,
                           value.empty() ? "" : core::did_you_mean(key, keys)),
               "receiver=NAME, group_by=LABEL,LABEL, or suppressed_by=inhibition, silence or time");
}

}  // namespace obsctl::verifiers
