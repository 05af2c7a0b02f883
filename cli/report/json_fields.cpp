#include "cli/report/json_fields.hpp"

#include <cmath>

namespace obsctl::cli {

using scenarios::Json;

namespace {

constexpr double kLargest = 1e12;

const Json* field(const Json& json, const std::string& key) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(key);
  return found == json.end() ? nullptr : &*found;
}

}  // namespace

std::optional<double> number_of(const Json& json) {
  if (!json.is_number()) return std::nullopt;
  const double value = json.get<double>();
  return std::abs(value) < kLargest ? std::optional(value) : std::nullopt;
}

std::optional<double> number_in(const Json& json, const std::string& key) {
  const Json* value = field(json, key);
  return value == nullptr ? std::nullopt : number_of(*value);
}

std::string text_in(const Json& json, const std::string& key) {
  const Json* value = field(json, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

bool flag_in(const Json& json, const std::string& key) {
  const Json* value = field(json, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

std::vector<std::string> texts_in(const Json& json, const std::string& key) {
  std::vector<std::string> texts;
  for (const Json& text : list_in(json, key)) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> pairs_in(const Json& json, const std::string& key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, text] : object_in(json, key).items()) {
    if (text.is_string()) pairs.emplace_back(name, text.get<std::string>());
  }
  return pairs;
}

const Json& list_in(const Json& json, const std::string& key) {
  static const Json none = Json::array();
  const Json* value = field(json, key);
  return value != nullptr && value->is_array() ? *value : none;
}

const Json& object_in(const Json& json, const std::string& key) {
  static const Json none = Json::object();
  const Json* value = field(json, key);
  return value != nullptr && value->is_object() ? *value : none;
}

}  // namespace obsctl::cli
