#include "core/toml_reader.hpp"

#include <fmt/format.h>

// toml++ 3.3 asserts (and, with NDEBUG, lets the compiler assume) what it then reports as an error itself:
// that a table header begins with a character of a key.
#define TOML_ASSERT(expression) static_assert(true)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <utility>

#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "core/text.hpp"
#include "core/toml_text.hpp"

namespace obsctl::core {

struct TomlDocument {
  toml::table root;
  std::string file;
  std::vector<Error> errors;
};

namespace {

const toml::table& as_table(const void* node) {
  return *static_cast<const toml::table*>(node);
}
const toml::node& as_node(const void* node) {
  return *static_cast<const toml::node*>(node);
}

SourcePosition position_of(const TomlDocument& document, const toml::node& node) {
  const toml::source_position begin = node.source().begin;
  return {document.file, static_cast<int>(begin.line), static_cast<int>(begin.column)};
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

}  // namespace

TomlTable::TomlTable(TomlDocument& document, const void* node, std::string path)
    : document_(&document),
      node_(node),
      path_(std::move(path)),
      asked_(std::make_shared<std::vector<std::string>>()) {}

std::string TomlTable::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

bool TomlTable::has(std::string_view key) const {
  return as_table(node_).contains(key);
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::pair<toml::source_position, std::string>> found;
  for (const auto& [key, value] : as_table(node_))
    found.emplace_back(key.source().begin, std::string(key.str()));
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::vector<std::string> names;
  for (auto& [where, name] : found) names.push_back(std::move(name));
  return names;
}

const void* TomlTable::find(std::string_view key) {
  asked_->emplace_back(key);
  return as_table(node_).get(key);
}

void TomlTable::wrong_type(std::string_view key, std::string_view wanted) {
  report_at(key,
            fmt::format("{} must be {}, not {}", path_of(key), wanted, type_name(*as_table(node_).get(key))));
}

std::optional<std::string> TomlTable::string(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = as_node(node).as_string()) return value->get();
  wrong_type(key, "a string");
  return std::nullopt;
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = as_node(node).as_integer()) return value->get();
  wrong_type(key, "an integer");
  return std::nullopt;
}

std::optional<double> TomlTable::number(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (as_node(node).is_number()) return as_node(node).value<double>();
  wrong_type(key, "a number");
  return std::nullopt;
}

std::optional<bool> TomlTable::boolean(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = as_node(node).as_boolean()) return value->get();
  wrong_type(key, "true or false");
  return std::nullopt;
}

std::optional<Nanoseconds> TomlTable::duration(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = as_node(node).as_string();
  if (value == nullptr) {
    wrong_type(key, "a duration in quotes, such as \"30s\"");
    return std::nullopt;
  }
  const auto parsed = parse_duration(value->get());
  if (parsed) return *parsed;
  report_at(key, fmt::format("{}: {}", path_of(key), parsed.error().message), parsed.error().hint);
  return std::nullopt;
}

std::optional<Rate> TomlTable::rate(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = as_node(node).as_string();
  if (value == nullptr) {
    wrong_type(key, "a rate in quotes, such as \"200/s\"");
    return std::nullopt;
  }
  const auto parsed = parse_rate(value->get());
  if (parsed) return *parsed;
  report_at(key, fmt::format("{}: {}", path_of(key), parsed.error().message), parsed.error().hint);
  return std::nullopt;
}

std::vector<std::string> TomlTable::strings(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return {};
  if (const auto* value = as_node(node).as_string()) return {value->get()};
  const auto* array = as_node(node).as_array();
  std::vector<std::string> values;
  if (array != nullptr) {
    for (const toml::node& item : *array) {
      if (const auto* value = item.as_string()) values.push_back(value->get());
    }
  }
  if (array == nullptr || values.size() != array->size()) wrong_type(key, "an array of strings");
  return values;
}

std::map<std::string, std::string> TomlTable::string_map(std::string_view key) {
  auto inner = table(key);
  std::map<std::string, std::string> values;
  if (!inner) return values;
  for (const std::string& name : inner->keys()) {
    if (auto value = inner->string(name)) values.emplace(name, std::move(*value));
  }
  return values;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) {
  const void* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = as_node(node).as_table()) return TomlTable(*document_, value, path_of(key));
  wrong_type(key, "a table");
  return std::nullopt;
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  const void* node = find(key);
  std::vector<TomlTable> found;
  if (node == nullptr) return found;
  const auto* array = as_node(node).as_array();
  if (array == nullptr) {
    wrong_type(key, fmt::format("an array of tables (write [[{}]])", path_of(key)));
    return found;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto* item = array->get(i)->as_table();
    const std::string item_path = fmt::format("{}[{}]", path_of(key), i);
    if (item != nullptr) {
      found.push_back(TomlTable(*document_, item, item_path));
    } else {
      report_at(key, fmt::format("{} must be a table, not {}", item_path, type_name(*array->get(i))));
    }
  }
  return found;
}

std::string TomlTable::required_string(std::string_view key) {
  if (!has(key)) {
    asked_->emplace_back(key);
    report(fmt::format("{} is missing", path_of(key)), fmt::format("add {} = \"…\"", key));
    return {};
  }
  return string(key).value_or("");
}

std::optional<std::string> TomlTable::one_of(std::string_view key, const std::vector<std::string>& names) {
  auto value = string(key);
  if (!value || std::find(names.begin(), names.end(), *value) != names.end()) return value;
  report_at(key, fmt::format("{} cannot be \"{}\"{}", path_of(key), *value, did_you_mean(*value, names)),
            fmt::format("use {}", fmt::join(names, ", ")));
  return std::nullopt;
}

SourcePosition TomlTable::position() const {
  return position_of(*document_, as_table(node_));
}

SourcePosition TomlTable::position(std::string_view key) const {
  const toml::node* node = as_table(node_).get(key);
  return node == nullptr ? position() : position_of(*document_, *node);
}

void TomlTable::report_at(std::string_view key, std::string message, std::string hint) {
  document_->errors.push_back({ErrorKind::invalid_input, std::move(message), std::move(hint), position(key)});
}

void TomlTable::report(std::string message, std::string hint) {
  document_->errors.push_back({ErrorKind::invalid_input, std::move(message), std::move(hint), position()});
}

void TomlTable::finish() {
  for (const auto& [key, value] : as_table(node_)) {
    const std::string name(key.str());
    if (std::find(asked_->begin(), asked_->end(), name) != asked_->end()) continue;
    const toml::source_position at = key.source().begin;
    document_->errors.push_back(
        {ErrorKind::invalid_input,
         fmt::format("unknown key {}{}", path_of(name), did_you_mean(name, *asked_)),
         {},
         SourcePosition{document_->file, static_cast<int>(at.line), static_cast<int>(at.column)}});
  }
}

Result<TomlFile> TomlFile::parse(std::string_view text, std::string file_name) {
  if (auto stray = first_stray_character(text, file_name)) {
    Error error = make_error(ErrorKind::invalid_input, "a character that is not ASCII stands outside quotes",
                             "put quotes around the key or value that it belongs to");
    error.where = std::move(stray);
    return error;
  }
  toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed) {
    const toml::parse_error& failure = parsed.error();
    const toml::source_position at = failure.source().begin;
    Error error = make_error(ErrorKind::invalid_input, std::string(failure.description()));
    error.where = {std::move(file_name), static_cast<int>(at.line), static_cast<int>(at.column)};
    return error;
  }
  auto document = std::make_unique<TomlDocument>();
  document->root = std::move(parsed).table();
  document->file = std::move(file_name);
  return TomlFile(std::move(document));
}

TomlFile::TomlFile(std::unique_ptr<TomlDocument> document) : document_(std::move(document)) {}
TomlFile::TomlFile(TomlFile&&) noexcept = default;
TomlFile& TomlFile::operator=(TomlFile&&) noexcept = default;
TomlFile::~TomlFile() = default;

TomlTable TomlFile::root() {
  return TomlTable(*document_, &document_->root, "");
}

std::vector<Error> TomlFile::errors() const {
  std::vector<Error> sorted = document_->errors;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Error& a, const Error& b) {
    return std::pair(a.where->line, a.where->column) < std::pair(b.where->line, b.where->column);
  });
  return sorted;
}

}  // namespace obsctl::core
