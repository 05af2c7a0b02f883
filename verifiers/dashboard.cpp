// See dashboard.hpp.
#include "verifiers/dashboard.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "verifiers/json_reader.hpp"

namespace obsctl::verifiers {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using nlohmann::json;

namespace {

/// Deeper than any dashboard; what is nested deeper than that is not read.
constexpr int kDeepest = 64;

std::string text_of(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_set(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

const json& member(const json& object, const char* key) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

const json& list_of(const json& object, const char* key) {
  static const json none = json::array();
  const json& found = member(object, key);
  return found.is_array() ? found : none;
}

/// Several values as a regular expression, which is what Grafana makes of them for Prometheus.
std::string any_of(const std::vector<std::string>& values) {
  return values.size() == 1 ? values.front() : fmt::format("({})", fmt::join(values, "|"));
}

std::string all_of(const json& variable) {
  if (std::string own = text_of(variable, "allValue"); !own.empty()) return own;
  std::vector<std::string> values;
  for (const json& option : list_of(variable, "options")) {
    if (const std::string value = text_of(option, "value"); !value.empty() && value != "$__all")
      values.push_back(value);
  }
  return values.empty() ? ".*" : any_of(values);
}

/// The value that a variable has been saved with, or that it has by its definition.
std::optional<std::string> saved_value(const json& variable) {
  const json& current = member(member(variable, "current"), "value");
  std::vector<std::string> values;
  if (current.is_string() && !current.get<std::string>().empty()) values.push_back(current);
  for (const json& value : current.is_array() ? current : json::array()) {
    if (value.is_string()) values.push_back(value);
  }
  if (std::find(values.begin(), values.end(), "$__all") != values.end()) return all_of(variable);
  if (!values.empty()) return any_of(values);
  const std::string type = text_of(variable, "type");
  const std::string query = text_of(variable, "query");
  if (type == "constant" || type == "textbox") return query;
  if (type == "datasource") return "";                          // Grafana's default
  if (is_set(variable, "includeAll")) return all_of(variable);  // the first option that there is
  if (type == "custom" || type == "interval")
    return std::string(core::trimmed(core::split(query, ',').front()));
  return std::nullopt;
}

VariableValues values_of(const json& document, const VariableValues& given) {
  VariableValues values = given;
  for (const json& variable : list_of(member(document, "templating"), "list")) {
    const std::string name = text_of(variable, "name");
    if (name.empty()) continue;
    if (auto value = saved_value(variable)) values.emplace(name, std::move(*value));
  }
  return values;
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// What `$name` is when it is no variable of the dashboard: the end of a regular expression, the group of one
/// ($1), or Grafana's own.
bool stands_for_itself(const std::string& name) {
  return std::all_of(name.begin(), name.end(), is_digit) || name.starts_with("__");
}

/// $name, ${name} and ${name:format} replaced. Errors: invalid_input.
Result<std::string> filled_in(std::string_view text, const VariableValues& values) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      result += text[at++];
      continue;
    }
    const bool braces = at + 1 < text.size() && text[at + 1] == '{';
    const std::size_t begin = at + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && in_name(text[end])) ++end;
    const std::string name(text.substr(begin, end - begin));
    if (braces) end = std::min(text.find('}', end), text.size() - 1) + 1;
    const std::string_view whole = text.substr(at, end - at);
    at = end;
    const auto value = values.find(name);
    if (value != values.end()) {
      result += value->second;
    } else if (stands_for_itself(name)) {
      result += whole;
    } else {
      return core::make_error(ErrorKind::invalid_input, fmt::format("the variable ${} has no value", name));
    }
  }
  return result;
}

/// Every text in a value. Errors: filled_in's.
Result<void> fill_in(json& value, const VariableValues& values, int depth = 0) {
  if (value.is_string()) {
    Result<std::string> text = filled_in(value.get_ref<const std::string&>(), values);
    if (!text) return text.error();
    value = std::move(*text);
  }
  if (!value.is_structured() || depth == kDeepest) return {};
  for (json& part : value) {
    if (auto done = fill_in(part, values, depth + 1); !done) return done;
  }
  return {};
}

/// A query's or a panel's own: {"type": …, "uid": …}, in old dashboards a name.
std::string datasource_of(const json& object) {
  const json& source = member(object, "datasource");
  return source.is_string() ? source.get<std::string>() : text_of(source, "uid");
}

/// Of "label_values(SERIES, LABEL)" or "label_values(LABEL)".
std::optional<LabelVariable> label_variable(const json& variable, const VariableValues& values) {
  constexpr std::string_view function = "label_values(";
  const json& query = member(variable, "query");
  json asked{{"query", query.is_string() ? query : member(query, "query")},
             {"datasource", member(variable, "datasource")}};
  if (!fill_in(asked, values) || !text_of(variable, "regex").empty()) return std::nullopt;
  const std::string text = text_of(asked, "query");
  std::string_view inside = core::trimmed(text);
  if (!inside.starts_with(function) || !inside.ends_with(')')) return std::nullopt;
  inside.remove_prefix(function.size());
  inside.remove_suffix(1);
  const std::size_t comma = inside.rfind(',');
  const std::string label(core::trimmed(inside.substr(comma + 1)));  // npos + 1 is 0
  if (label.empty() || !std::all_of(label.begin(), label.end(), in_name)) return std::nullopt;
  const std::string series = comma == std::string_view::npos
                                 ? fmt::format("{{{}!=\"\"}}", label)
                                 : std::string(core::trimmed(inside.substr(0, comma)));
  return LabelVariable{text_of(variable, "name"), datasource_of(asked),
                       text_of(member(asked, "datasource"), "type"), label,
                       fmt::format("count by ({}) ({})", label, series)};
}

Result<PanelQuery> read_query(const json& target, const json& panel, const VariableValues& values) {
  json model = target;
  if (datasource_of(model).empty() && !member(panel, "datasource").is_null())
    model["datasource"] = panel.at("datasource");
  VariableValues known = values;
  if (datasource_of(model) == "__expr__") {  // what it computes with are the panel's queries: $A
    for (const json& other : list_of(panel, "targets"))
      known.emplace(text_of(other, "refId"), "$" + text_of(other, "refId"));
  }
  if (const auto done = fill_in(model, known); !done) return done.error();
  return PanelQuery{
      text_of(model, "refId"), datasource_of(model),     text_of(member(model, "datasource"), "type"),
      text_of(model, "expr"),  is_set(model, "instant"), is_set(model, "hide"),
      std::move(model)};
}

/// Kinds of panels that show no data; queries may be left in them from what they were before.
bool asks_nothing(const json& panel) {
  constexpr std::array kinds{"row", "text", "dashlist", "alertlist", "annolist", "news", "pluginlist"};
  return std::find(kinds.begin(), kinds.end(), text_of(panel, "type")) != kinds.end();
}

void read_panels(const json& panels, const VariableValues& values, std::vector<Panel>& into, int depth = 0) {
  if (depth == kDeepest) return;
  for (const json& panel : panels) {
    if (!panel.is_object()) continue;
    Panel read{text_of(panel, "title"), {}, {}};
    const json& entry = member(panel, "libraryPanel");
    read.in_library = entry.is_object() && list_of(panel, "targets").empty();
    if (read.in_library && read.title.empty()) read.title = text_of(entry, "name");
    for (const json& target : asks_nothing(panel) ? json::array() : list_of(panel, "targets")) {
      if (!target.is_object()) continue;
      Result<PanelQuery> query = read_query(target, panel, values);
      if (query) {
        read.queries.push_back(std::move(*query));
      } else {
        read.unreadable = query.error().message;
      }
    }
    if (!read.queries.empty() || !read.unreadable.empty() || read.in_library) into.push_back(std::move(read));
    read_panels(list_of(panel, "panels"), values, into, depth + 1);
  }
}

}  // namespace

Result<Dashboard> read_dashboard(std::string_view text, const std::string& file_name,
                                 const VariableValues& values) {
  JsonErrors errors(ErrorKind::invalid_input, file_name);
  const json document = parse_json(text, errors, kDeepest).value_or(json());
  const json& panels = list_of(document, "panels");
  const json& rows = list_of(document, "rows");  // before Grafana 5; generators still write them
  if (!document.is_object() || (panels.empty() && rows.empty()))
    return core::make_error(ErrorKind::invalid_input, fmt::format("{} is not a Grafana dashboard", file_name),
                            "export it as JSON: it has a list \"panels\"");
  const json& time = member(document, "time");
  Dashboard dashboard{
      text_of(document, "uid"), text_of(document, "title"), text_of(time, "from"), text_of(time, "to"), {}};
  const VariableValues all = values_of(document, values);
  read_panels(panels, all, dashboard.panels);
  for (const json& row : rows) read_panels(list_of(row, "panels"), all, dashboard.panels);
  return dashboard;
}

std::string first_value(const LabelVariable& variable, const std::vector<Labels>& series) {
  std::string first;
  for (const Labels& labels : series) {
    const std::string_view value = label_of(labels, variable.label);
    if (!value.empty() && (first.empty() || value < first)) first = value;
  }
  return first;
}

std::optional<LabelVariable> unset_variable(std::string_view text, const VariableValues& values) {
  JsonErrors errors(ErrorKind::invalid_input, {});
  const json document = parse_json(text, errors, kDeepest).value_or(json());
  const VariableValues known = values_of(document, values);
  for (const json& variable : list_of(member(document, "templating"), "list")) {
    const std::string name = text_of(variable, "name");
    if (name.empty() || known.count(name) == 1 || text_of(variable, "type") != "query") continue;
    if (auto found = label_variable(variable, known)) return found;
  }
  return std::nullopt;
}

std::vector<fs::path> dashboards_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failure;
  fs::recursive_directory_iterator entry(folder, failure);
  for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
    if (entry->path().extension() != ".json" || !entry->is_regular_file()) continue;
    const Result<std::string> text = core::read_file(entry->path());
    if (text && read_dashboard(*text, {}, {}).has_value()) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace obsctl::verifiers
