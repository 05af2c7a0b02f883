// See dashboard.hpp.
#include "stacks/dashboard.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using nlohmann::json;

namespace {

using Values = std::map<std::string, std::string>;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& list_of(const json& object, const char* key) {
  static const json none = json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : none;
}

/// The dashboard's variables with the value that was chosen when it was saved; Grafana's own.
Values values_of(const json& document, const DashboardTimes& times) {
  Values values{{"__rate_interval", times.rate_interval},
                {"__interval", times.rate_interval},
                {"__range", times.range}};
  const json templating = document.value("templating", json::object());
  if (!templating.is_object()) return values;
  for (const json& variable : list_of(templating, "list")) {
    if (!variable.is_object()) continue;
    const auto current = variable.find("current");
    if (current != variable.end() && current->is_object())
      values[text_of(variable, "name")] = text_of(*current, "value");
  }
  return values;
}

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// $name and ${name} replaced. Errors: invalid_input.
Result<std::string> filled_in(std::string_view expr, const Values& values) {
  std::string result;
  for (std::size_t at = 0; at < expr.size();) {
    if (expr[at] != '$') {
      result += expr[at++];
      continue;
    }
    const bool braces = at + 1 < expr.size() && expr[at + 1] == '{';
    const std::size_t begin = at + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < expr.size() && in_name(expr[end])) ++end;
    const std::string name(expr.substr(begin, end - begin));
    at = end + (braces ? 1 : 0);
    const auto value = values.find(name);
    if (value != values.end()) {
      result += value->second;
    } else if (name.empty()) {
      result += '$';  // the end of a regular expression
    } else {
      return core::make_error(ErrorKind::invalid_input, fmt::format("the variable ${} has no value", name));
    }
  }
  return result;
}

class DashboardReader {
 public:
  DashboardReader(const json& document, const std::string& file, const DashboardTimes& times)
      : document_(document), file_(file), values_(values_of(document, times)) {}

  Result<Dashboard> read() {
    dashboard_.uid = text_of(document_, "uid");
    dashboard_.title = text_of(document_, "title");
    if (const auto done = read_panels(list_of(document_, "panels")); !done) return done.error();
    return dashboard_;
  }

 private:
  Result<void> read_panels(const json& panels) {
    for (const json& panel : panels) {
      if (!panel.is_object()) continue;
      if (auto done = read_queries(panel); !done) return done;
      if (auto done = read_panels(list_of(panel, "panels")); !done) return done;
    }
    return {};
  }

  Result<void> read_queries(const json& panel) {
    const std::string title = text_of(panel, "title");
    for (const json& target : list_of(panel, "targets")) {
      if (!target.is_object() || text_of(target, "expr").empty()) continue;
      Result<std::string> expr = filled_in(text_of(target, "expr"), values_);
      if (!expr)
        return core::make_error(ErrorKind::invalid_input,
                                fmt::format("{}: the panel \"{}\": {}", file_, title, expr.error().message));
      const auto instant = target.find("instant");
      dashboard_.queries.push_back(
          {title, text_of(target, "refId"), std::move(*expr),
           instant != target.end() && instant->is_boolean() && instant->get<bool>()});
    }
    return {};
  }

  const json& document_;
  const std::string& file_;
  Values values_;
  Dashboard dashboard_;
};

}  // namespace

Result<Dashboard> read_dashboard(std::string_view text, const std::string& file_name,
                                 const DashboardTimes& times) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object() || list_of(document, "panels").empty())
    return core::make_error(ErrorKind::invalid_input, fmt::format("{} is not a Grafana dashboard", file_name),
                            "export it as JSON: it has a list \"panels\"");
  return DashboardReader(document, file_name, times).read();
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

}  // namespace obsctl::stacks
