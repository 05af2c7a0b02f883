// See the header. A document is parsed without exceptions; nlohmann neither parses nor destroys recursively,
// so depth is no danger to who only reads.
#include "verifiers/json_reader.hpp"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace obsctl::verifiers {

using nlohmann::json;

namespace {

const json& null_value() {
  static const json value;
  return value;
}

std::string_view kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "true or false";
    default:
      return "a number";
  }
}

}  // namespace

void JsonErrors::add(std::string_view path, std::string_view what) {
  if (first_) return;
  std::string message = source_;
  if (!message.empty()) message += ": ";
  message += path.empty() ? fmt::format("the document {}", what) : fmt::format("{} {}", path, what);
  first_ = core::make_error(kind_, std::move(message));
}

namespace {

std::optional<json> parse_with(std::string_view text, JsonErrors& errors,
                               const json::parser_callback_t& callback) {
  json document = json::parse(text.begin(), text.end(), callback, false);
  if (!document.is_discarded()) return document;
  errors.add("", text.empty() ? "is empty, not JSON" : "is not JSON");
  return std::nullopt;
}

}  // namespace

std::optional<json> parse_json(std::string_view text, JsonErrors& errors) {
  return parse_with(text, errors, nullptr);
}

std::optional<json> parse_json(std::string_view text, JsonErrors& errors, int deepest) {
  return parse_with(text, errors, [deepest](int depth, json::parse_event_t /*event*/, json& /*value*/) {
    return depth <= deepest;
  });
}

const json* JsonReader::find(std::string_view key, bool required) const {
  if (!value_->is_object()) {
    mistaken("an object");
    return nullptr;
  }
  const auto found = value_->find(key);
  if (found != value_->end() && !found->is_null()) return &*found;
  if (required) errors_->add(path_.empty() ? key : fmt::format("{}.{}", path_, key), "is missing");
  return nullptr;
}

JsonReader JsonReader::member(const json* value, std::string_view key) const {
  return {value == nullptr ? null_value() : *value,
          path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key), *errors_};
}

void JsonReader::mistaken(std::string_view wanted) const {
  errors_->add(path_, fmt::format("is {}, not {}", kind_of(*value_), wanted));
}

bool JsonReader::has(std::string_view key) const {
  return value_->is_object() && value_->contains(key) && !(*value_->find(key)).is_null();
}

std::string JsonReader::as_text() const {
  if (value_->is_string()) return value_->get_ref<const std::string&>();
  mistaken("a string");
  return {};
}

double JsonReader::as_number() const {
  if (value_->is_number()) return value_->get<double>();
  mistaken("a number");
  return 0;
}

double JsonReader::as_number_text() const {
  const std::string text = as_text();
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0')
    errors_->add(path_, fmt::format("is \"{}\", not a number", text.substr(0, 40)));
  return value;
}

Labels JsonReader::as_labels() const {
  Labels labels;
  if (!value_->is_object()) {
    mistaken("an object");
    return labels;
  }
  for (const auto& [name, value] : value_->items()) labels[name] = member(&value, name).as_text();
  return labels;
}

std::vector<JsonReader> JsonReader::as_list() const {
  std::vector<JsonReader> items;
  if (!value_->is_array()) {
    mistaken("a list");
    return items;
  }
  items.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    items.emplace_back((*value_)[i], fmt::format("{}[{}]", path_, i), *errors_);
  }
  return items;
}

std::string JsonReader::text(std::string_view key) const {
  const json* value = find(key, true);
  return value == nullptr ? std::string() : member(value, key).as_text();
}

double JsonReader::number(std::string_view key) const {
  const json* value = find(key, true);
  return value == nullptr ? 0 : member(value, key).as_number();
}

bool JsonReader::boolean(std::string_view key) const {
  const json* value = find(key, true);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  member(value, key).mistaken("true or false");
  return false;
}

Labels JsonReader::labels(std::string_view key) const {
  const json* value = find(key, true);
  return value == nullptr ? Labels() : member(value, key).as_labels();
}

core::WallTime JsonReader::time(std::string_view key) const {
  const json* value = find(key, true);
  return value == nullptr ? core::WallTime::min() : time_or(key, core::WallTime::min());
}

JsonReader JsonReader::object(std::string_view key) const {
  const json* value = find(key, true);
  JsonReader reader = member(value, key);
  if (value != nullptr && !value->is_object()) reader.mistaken("an object");
  return reader;
}

JsonReader JsonReader::any(std::string_view key) const {
  return member(find(key, true), key);
}

std::vector<JsonReader> JsonReader::list(std::string_view key) const {
  const json* value = find(key, true);
  return value == nullptr ? std::vector<JsonReader>() : member(value, key).as_list();
}

std::vector<std::string> JsonReader::texts(std::string_view key) const {
  std::vector<std::string> texts;
  for (const JsonReader& item : list(key)) texts.push_back(item.as_text());
  return texts;
}

std::string JsonReader::text_or(std::string_view key, std::string_view fallback) const {
  const json* value = find(key, false);
  return value == nullptr ? std::string(fallback) : member(value, key).as_text();
}

double JsonReader::number_or(std::string_view key, double fallback) const {
  const json* value = find(key, false);
  return value == nullptr ? fallback : member(value, key).as_number();
}

Labels JsonReader::labels_or_empty(std::string_view key) const {
  const json* value = find(key, false);
  return value == nullptr ? Labels() : member(value, key).as_labels();
}

core::WallTime JsonReader::time_or(std::string_view key, core::WallTime fallback) const {
  const json* value = find(key, false);
  if (value == nullptr) return fallback;
  const JsonReader reader = member(value, key);
  const std::string text = reader.as_text();
  const auto time = core::parse_rfc3339(text);
  if (time) return *time;
  if (value->is_string()) {
    errors_->add(reader.path_, fmt::format("is \"{}\", not an RFC 3339 time", text.substr(0, 40)));
  }
  return fallback;
}

std::vector<JsonReader> JsonReader::list_or_empty(std::string_view key) const {
  const json* value = find(key, false);
  return value == nullptr ? std::vector<JsonReader>() : member(value, key).as_list();
}

std::vector<std::string> JsonReader::texts_or_empty(std::string_view key) const {
  std::vector<std::string> texts;
  for (const JsonReader& item : list_or_empty(key)) texts.push_back(item.as_text());
  return texts;
}

std::optional<JsonReader> JsonReader::optional_object(std::string_view key) const {
  const json* value = find(key, false);
  if (value == nullptr) return std::nullopt;
  const JsonReader reader = member(value, key);
  if (!value->is_object()) reader.mistaken("an object");
  return reader;
}

}  // namespace obsctl::verifiers
