#include "scenarios/payload.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/regex.hpp"

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

/// For a message; never ends in the middle of a UTF-8 character.
std::string shortened(const std::string& text) {
  if (text.size() <= kMostQuoted) return text;
  std::size_t end = kMostQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
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

std::string payload_problem(const std::string& raw, const std::vector<BodyCheck>& checks) {
  if (checks.empty()) return {};
  // Writing a value recurses; what is nested deeper than any payload is left out.
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth <= kDeepest; };
  const json body = json::parse(raw, shallow, false);
  for (const BodyCheck& check : checks) {
    const json* node = body.is_discarded() ? nullptr : follow(body, check.jsonpath);
    if (node == nullptr) return fmt::format("{} is not in the payload", check.jsonpath);
    const std::string text = node->is_string() ? node->get<std::string>()
                                               : node->dump(-1, ' ', false, json::error_handler_t::replace);
    const auto pattern = core::Regex::parse(check.matches);
    if (pattern && pattern->found_in(text)) continue;
    return fmt::format("{} is \"{}\", which does not match \"{}\"", check.jsonpath, shortened(text),
                       check.matches);
  }
  return {};
}

}  // namespace obsctl::scenarios
