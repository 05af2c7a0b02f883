// Reads JSON that others wrote. A reader never throws and never hands out a value of the wrong type: the
// first thing that is missing or wrong is kept as an error that names the place, what is read after that is
// empty, and the caller looks at the error once, at the end. Internal to verifiers/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

/// Keeps the first error of a document. `source` goes in front of it: "GET http://…/api/v1/rules".
class JsonErrors {
 public:
  JsonErrors(core::ErrorKind kind, std::string source) : kind_(kind), source_(std::move(source)) {}

  void add(std::string_view path, std::string_view what);
  const std::optional<core::Error>& first() const { return first_; }

 private:
  core::ErrorKind kind_;
  std::string source_;
  std::optional<core::Error> first_;
};

/// One value in a document, with its path. Cheap to copy; the document and the errors outlive it.
class JsonReader {
 public:
  JsonReader(const nlohmann::json& value, std::string path, JsonErrors& errors)
      : value_(&value), path_(std::move(path)), errors_(&errors) {}

  // A required member of the object that this is.
  std::string text(std::string_view key) const;
  double number(std::string_view key) const;
  bool boolean(std::string_view key) const;
  Labels labels(std::string_view key) const;
  core::WallTime time(std::string_view key) const;
  JsonReader object(std::string_view key) const;
  /// Of whatever type.
  JsonReader any(std::string_view key) const;
  std::vector<JsonReader> list(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;

  // The same where it may be absent (or null), when the fallback, or nothing, comes back.
  std::string text_or(std::string_view key, std::string_view fallback) const;
  double number_or(std::string_view key, double fallback) const;
  Labels labels_or_empty(std::string_view key) const;
  core::WallTime time_or(std::string_view key, core::WallTime fallback) const;
  std::vector<JsonReader> list_or_empty(std::string_view key) const;
  std::vector<std::string> texts_or_empty(std::string_view key) const;
  /// Nothing when the key is absent or null.
  std::optional<JsonReader> optional_object(std::string_view key) const;

  bool has(std::string_view key) const;

  // What this itself is.
  std::string as_text() const;
  double as_number() const;
  /// A number in a string, as Prometheus writes samples: "0.25", "NaN", "+Inf".
  double as_number_text() const;
  Labels as_labels() const;
  std::vector<JsonReader> as_list() const;

  /// Notes an error at this place.
  void refuse(std::string_view what) const { errors_->add(path_, what); }
  const std::string& path() const { return path_; }
  /// As it stands, for what no reader fits.
  const nlohmann::json& value() const { return *value_; }

 private:
  /// The member, or null (with an error when it is required).
  const nlohmann::json* find(std::string_view key, bool required) const;
  JsonReader member(const nlohmann::json* value, std::string_view key) const;
  void mistaken(std::string_view wanted) const;

  const nlohmann::json* value_;
  std::string path_;
  JsonErrors* errors_;
};

/// Parses a document. Nothing (and an error) when it is not JSON.
std::optional<nlohmann::json> parse_json(std::string_view text, JsonErrors& errors);
/// The same for a document that is copied or written, which takes stack for each level: what is nested deeper
/// than `deepest` is left out.
std::optional<nlohmann::json> parse_json(std::string_view text, JsonErrors& errors, int deepest);

}  // namespace obsctl::verifiers
