#include "scenarios/payload.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/regex.hpp"
#include "verifiers/labels.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::scenarios {

namespace {

using nlohmann::json;

constexpr std::size_t kMostQuoted = 200;
constexpr int kDeepest = 100;

/// One step of a path: .key or [index].
struct Step {
  std::string_view name;
  bool indexed = false;
};

/// Takes a step from the front of `path`; nothing when that is not one.
std::optional<Step> take_step(std::string_view& path) {
  Step step{{}, path.front() == '['};
  if (!step.indexed && path.front() != '.') return std::nullopt;
  const std::size_t end = step.indexed ? path.find(']') : std::min(path.find_first_of(".[", 1), path.size());
  if (end == std::string_view::npos) return std::nullopt;
  step.name = path.substr(1, end - 1);
  path.remove_prefix(step.indexed ? end + 1 : end);
  const bool number =
      step.name.size() <= 9 && step.name.find_first_not_of("0123456789") == std::string_view::npos;
  if (step.name.empty() || (step.indexed && !number)) return std::nullopt;
  return step;
}

const json* follow(const json& document, std::string_view path) {
  const json* node = &document;
  for (path.remove_prefix(1); !path.empty() && node != nullptr;) {
    const auto step = take_step(path);
    if (!step) return nullptr;
    if (step->indexed) {
      const std::size_t index = std::stoul(std::string(step->name));
      node = node->is_array() && index < node->size() ? &(*node)[index] : nullptr;
    } else {
      const auto found = node->is_object() ? node->find(std::string(step->name)) : node->end();
      node = found == node->end() ? nullptr : &*found;
    }
  }
  return node;
}

/// For a message: on one line, and never ending in the middle of a UTF-8 character.
std::string shortened(const std::string& text) {
  std::size_t end = std::min(text.size(), kMostQuoted);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  std::string line;
  for (const char c : text.substr(0, end)) line += c == '\n' ? std::string("\\n") : std::string(1, c);
  return end == text.size() ? line : line + "…";
}

std::string mismatch(const std::string& what, const std::string& text, const std::string& pattern) {
  const auto parsed = core::Regex::parse(pattern);
  if (parsed && parsed->found_in(text)) return {};
  return fmt::format("{} is \"{}\", which does not match \"{}\"", what, shortened(text), pattern);
}

std::string body_problem(const Event& event, const std::vector<BodyCheck>& checks) {
  if (checks.empty()) return {};
  const std::string raw = event.text("raw");
  // Writing a value recurses; what is nested deeper than any payload is left out.
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth <= kDeepest; };
  const json body = json::parse(raw, shallow, false);
  for (const BodyCheck& check : checks) {
    std::string problem;
    if (check.jsonpath.empty()) {
      const bool read = event.fields.contains("text");
      problem =
          mismatch("its text", read ? event.text("text") : verifiers::readable_body(raw), check.matches);
    } else {
      const json* node = body.is_discarded() ? nullptr : follow(body, check.jsonpath);
      if (node == nullptr) return fmt::format("{} is not in the payload", check.jsonpath);
      problem = mismatch(check.jsonpath,
                         node->is_string() ? node->get<std::string>()
                                           : node->dump(-1, ' ', false, json::error_handler_t::replace),
                         check.matches);
    }
    if (!problem.empty()) return problem;
  }
  return {};
}

Labels labels_in(const Json& fields, const char* key) {
  return fields.value(key, Json::object()).get<Labels>();
}

/// Of one instance of the alert.
std::string instance_problem(const Json& instance, const NotificationContent& wanted) {
  const Labels labels = labels_in(instance, "labels");
  const Labels annotations = labels_in(instance, "annotations");
  if (std::string problem = verifiers::difference(labels, wanted.labels); !problem.empty()) return problem;
  for (const auto& [name, pattern] : wanted.annotations) {
    const auto found = annotations.find(name);
    if (found == annotations.end()) return fmt::format("annotation {} is absent", name);
    if (std::string problem = mismatch("annotation " + name, found->second, pattern); !problem.empty())
      return problem;
  }
  return {};
}

}  // namespace

bool is_payload_path(std::string_view text) {
  if (text.empty() || text.front() != '$') return false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (!take_step(text)) return false;
  }
  return true;
}

std::string content_problem(const Event& event, const std::string& alert, const NotificationContent& wanted) {
  for (const Json& instance : event.fields.value("instances", Json::array())) {
    if (instance.value("alert", "") != alert) continue;
    const std::string problem = instance_problem(instance, wanted);
    if (!problem.empty())
      return fmt::format("{}; it is about {}", problem, verifiers::to_text(labels_in(instance, "labels")));
  }
  if (const Labels group = labels_in(event.fields, "group"); wanted.group && group != *wanted.group)
    return fmt::format("its group is {}, not {}", verifiers::to_text(group),
                       verifiers::to_text(*wanted.group));
  return body_problem(event, wanted.body);
}

}  // namespace obsctl::scenarios
