// See compose_file.hpp.
#include "stacks/compose_file.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"

namespace obsctl::stacks {

using core::ErrorKind;
using core::Result;

namespace {

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The value of NAME in "NAME=value" entries, of which the last one counts.
std::optional<std::string> value_in(const std::vector<std::string>& entries, const std::string& name) {
  std::optional<std::string> value;
  for (const std::string& entry : entries) {
    if (entry.starts_with(name + "=")) value = entry.substr(name.size() + 1);
  }
  return value;
}

core::Error refused(std::string message, std::string hint = {}) {
  return core::make_error(ErrorKind::invalid_input, std::move(message), std::move(hint));
}

/// What stands between the braces of ${…}.
Result<std::string> value_of(std::string_view inside, const Variables& variables) {
  const std::string name(leading_name(inside));
  std::string_view rest = inside.substr(name.size());
  const std::optional<std::string> value = variables(name);
  if (rest.empty()) return value.value_or("");
  const bool empty_counts_as_unset = rest.front() == ':';
  if (empty_counts_as_unset) rest.remove_prefix(1);
  const bool set = value && !(empty_counts_as_unset && value->empty());
  const char operation = rest.empty() ? '\0' : rest.front();
  if (operation != '-' && operation != '?' && operation != '+')
    return refused(fmt::format("\"${{{}}}\" is not understood", inside),
                   "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+replacement}");
  if (operation == '+') return set ? interpolate(rest.substr(1), variables) : std::string();
  if (set) return *value;
  if (operation == '-') return interpolate(rest.substr(1), variables);
  return refused(fmt::format("{} is not set: {}", name, rest.substr(1)),
                 "set it in the environment or in .env beside the compose file");
}

/// Where the brace at text[0] == '{' is closed; braces inside of it count.
std::size_t end_of_braces(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view leading_name(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), in_name);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

const ComposeFileService* ComposeFile::find(std::string_view service) const {
  const auto named = [&](const ComposeFileService& candidate) { return candidate.name == service; };
  const auto found = std::find_if(services.begin(), services.end(), named);
  return found == services.end() ? nullptr : &*found;
}

Result<std::string> interpolate(std::string_view text, const Variables& variables) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    if (rest.front() != '$') {
      result += rest.front();
      ++at;
      continue;
    }
    if (rest.starts_with("$$")) {
      result += '$';
      at += 2;
      continue;
    }
    if (rest.starts_with("${")) {
      const std::size_t end = end_of_braces(rest.substr(1));
      if (end == std::string_view::npos) return refused(fmt::format("a brace in \"{}\" is not closed", text));
      const Result<std::string> value = value_of(rest.substr(2, end - 1), variables);
      if (!value) return value.error();
      result += *value;
      at += end + 2;
      continue;
    }
    const std::string name(leading_name(rest.substr(1)));
    result += name.empty() ? "$" : variables(name).value_or("");
    at += 1 + name.size();
  }
  return result;
}

Result<ComposeFile> read_compose_file(const std::filesystem::path& path,
                                      const std::vector<std::string>& given) {
  const Result<std::string> text = core::read_file(path);
  if (!text) return text.error();
  const Result<std::string> env = core::read_file(path.parent_path() / ".env");
  const std::map<std::string, std::string> defaults =
      env ? read_env_file(*env) : std::map<std::string, std::string>();
  return read_compose_file(*text, path.string(), [&](const std::string& name) -> std::optional<std::string> {
    if (auto value = value_in(given, name)) return value;
    if (const char* value = std::getenv(name.c_str())) return value;
    const auto found = defaults.find(name);
    if (found == defaults.end()) return std::nullopt;
    return found->second;
  });
}

std::map<std::string, std::string> read_env_file(std::string_view text) {
  std::map<std::string, std::string> variables;
  for (const std::string_view raw : core::split(text, '\n')) {
    std::string_view line = core::trimmed(raw);
    if (line.starts_with("export ")) line.remove_prefix(7);
    const std::size_t equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos) continue;
    std::string_view value = core::trimmed(line.substr(equals + 1));
    const bool quoted = value.starts_with('"') || value.starts_with('\'');
    const std::size_t end = quoted ? value.find(value.front(), 1) : std::string_view::npos;
    // What follows is a comment.
    value = end != std::string_view::npos ? value.substr(1, end - 1)
                                          : core::trimmed(value.substr(0, value.find(" #")));
    variables[std::string(core::trimmed(line.substr(0, equals)))] = value;
  }
  return variables;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  text = core::trimmed(text);
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || number < 0) return std::nullopt;
  std::string unit(core::trimmed(text.substr(static_cast<std::size_t>(end - text.data()))));
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
  // Compose means powers of 1024 by all of them.
  for (const auto& [name, shift] : {std::pair{"b", 0}, {"k", 10}, {"m", 20}, {"g", 30}}) {
    const std::string letter = name;
    const bool plain = unit == letter || (shift == 0 && unit.empty());
    const bool long_form = shift > 0 && (unit == letter + "b" || unit == letter + "ib");
    if (plain || long_form) return static_cast<std::uint64_t>(number * static_cast<double>(1ULL << shift));
  }
  return std::nullopt;
}

std::string port_variable(std::string_view service) {
  std::string name = "OBSCTL_";
  for (const char c : service) {
    name += in_name(c) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
  }
  return name + "_PORT";
}

}  // namespace obsctl::stacks
