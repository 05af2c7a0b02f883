// vegeta's two target formats: its HTTP-like text, and one JSON object a line (as its `-format=json` reads,
// with the body in base64). Source: https://github.com/tsenart/vegeta#attack-command and
// lib/target.schema.json there.
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/text.hpp"
#include "loadgen/base64.hpp"
#include "loadgen/input_files.hpp"

namespace obsctl::loadgen {

namespace {

core::Error at_line(const std::string& file, int line, std::string message, std::string hint = {}) {
  core::Error error = core::make_error(core::ErrorKind::invalid_input, std::move(message), std::move(hint));
  error.where = core::SourcePosition{file, line, 1};
  return error;
}

/// "@file" of a target: beside the targets file, or, as vegeta has it, from where the command runs.
core::Result<std::string> body_file(const std::string& targets, std::string_view name) {
  const std::filesystem::path beside = std::filesystem::path(targets).parent_path() / name;
  std::error_code ignored;
  return core::read_file(std::filesystem::exists(beside, ignored) ? beside : std::filesystem::path(name));
}

core::Result<std::vector<RequestSpec>> parse_text(std::string_view text, const std::string& path) {
  std::vector<RequestSpec> specs;
  bool in_target = false;
  int number = 0;
  for (const std::string_view raw : core::split(text, '\n')) {
    ++number;
    const std::string_view line = core::trimmed(raw);
    if (line.empty()) {
      in_target = false;
      continue;
    }
    if (line.front() == '#') continue;
    const std::size_t blank = line.find(' ');
    const std::size_t colon = line.find(':');
    const bool starts_target = blank != std::string_view::npos &&
                               (colon == std::string_view::npos || blank < colon) && line.front() != '@';
    if (starts_target) {
      RequestSpec spec;
      spec.method = line.substr(0, blank);
      spec.path = core::trimmed(line.substr(blank));
      specs.push_back(std::move(spec));
      in_target = true;
    } else if (!in_target) {
      return at_line(path, number, fmt::format("\"{}\" is not a target", line),
                     "a target begins with METHOD URL");
    } else if (line.front() == '@') {
      const auto body = body_file(path, core::trimmed(line.substr(1)));
      if (!body) return at_line(path, number, body.error().message);
      specs.back().body = *body;
    } else if (colon == std::string_view::npos || colon == 0) {
      return at_line(path, number, fmt::format("\"{}\" is not a header", line), "write it as Name: value");
    } else {
      specs.back().headers.push_back({std::string(core::trimmed(line.substr(0, colon))),
                                      std::string(core::trimmed(line.substr(colon + 1)))});
    }
  }
  if (specs.empty()) return at_line(path, number, "there are no targets");
  return specs;
}

/// One JSON target; an error's message says what is wrong with it.
core::Result<RequestSpec> parse_target(std::string_view line) {
  const auto refuse = [](std::string why) {
    return core::make_error(core::ErrorKind::invalid_input, std::move(why),
                            "a target has at least method and url");
  };
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return refuse("not a JSON object");
  RequestSpec spec;
  for (const auto& [key, value] : json.items()) {
    if (key == "header") {
      if (!value.is_object()) return refuse("header is not an object");
      for (const auto& [name, values] : value.items()) {
        if (!values.is_array()) return refuse(fmt::format("header.{} is not an array of texts", name));
        for (const auto& one : values) {
          if (!one.is_string()) return refuse(fmt::format("header.{} is not an array of texts", name));
          spec.headers.push_back({name, one.get<std::string>()});
        }
      }
      continue;
    }
    if (!value.is_string()) return refuse(fmt::format("{} is not a text", key));
    const std::string& text = value.get_ref<const std::string&>();
    if (key == "method") {
      spec.method = text;
    } else if (key == "url") {
      spec.path = text;
    } else if (key == "body") {
      const auto body = base64_decoded(text);
      if (!body) return refuse("body is not base64");
      spec.body = *body;
    } else {
      return refuse(fmt::format("unknown key {}", key));
    }
  }
  if (!json.contains("method") || !json.contains("url")) return refuse("method or url is missing");
  return spec;
}

core::Result<std::vector<RequestSpec>> parse_json(std::string_view text, const std::string& path) {
  std::vector<RequestSpec> specs;
  int number = 0;
  for (const std::string_view line : core::split(text, '\n')) {
    ++number;
    if (core::trimmed(line).empty()) continue;
    auto spec = parse_target(line);
    if (!spec) return at_line(path, number, spec.error().message, spec.error().hint);
    specs.push_back(std::move(*spec));
  }
  return specs;
}

}  // namespace

core::Result<std::vector<RequestSpec>> parse_vegeta_targets(std::string_view text, const std::string& path) {
  return core::trimmed(text).substr(0, 1) == "{" ? parse_json(text, path) : parse_text(text, path);
}

core::Result<std::vector<RequestSpec>> read_vegeta_targets(const std::string& path) {
  const auto text = core::read_file(path);
  if (!text) return text.error();
  return parse_vegeta_targets(*text, path);
}

}  // namespace obsctl::loadgen
