// Reading a TOML file so that every mistake in it is reported at once, each with file:line:column and a way
// to mend it.
//
// A reader walks the document with TomlTable: it asks for the keys it knows, by type, and calls finish(),
// which reports every key nobody asked for together with the nearest name that exists. A getter that meets
// the wrong type reports it and returns nothing, so that reading goes on and finds the next mistake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "core/rate.hpp"

namespace obsctl::core {

struct TomlDocument;

/// One table of a document. Cheap to copy; copies share what has been asked for. Valid while its TomlFile
/// lives.
class TomlTable {
 public:
  bool has(std::string_view key) const;
  /// The table's keys, in the file's order. Does not count as having asked for them.
  std::vector<std::string> keys() const;

  // Each returns nothing when the key is absent or of the wrong type; the latter is reported.
  std::optional<std::string> string(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  /// An integer or a float.
  std::optional<double> number(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  /// A string such as "1m30s".
  std::optional<Nanoseconds> duration(std::string_view key);
  /// A string such as "200/s".
  std::optional<Rate> rate(std::string_view key);
  /// An array of strings, or one string.
  std::vector<std::string> strings(std::string_view key);
  /// An array of integers, or one integer.
  std::vector<std::int64_t> integers(std::string_view key);
  /// A table whose values are all strings.
  std::map<std::string, std::string> string_map(std::string_view key);
  std::optional<TomlTable> table(std::string_view key);
  /// [[key]] or key = [ {…}, {…} ].
  std::vector<TomlTable> tables(std::string_view key);

  /// As string(), but its absence is reported too, and "" comes back.
  std::string required_string(std::string_view key);
  /// A string that is one of `names`; anything else is reported with the nearest name.
  std::optional<std::string> one_of(std::string_view key, const std::vector<std::string>& names);

  /// Reports a mistake at the key's value, or at the table when there is no such key.
  void report_at(std::string_view key, std::string message, std::string hint = {});
  /// Reports a mistake at an item of the array that is the key's value, or as report_at() where there is
  /// none.
  void report_in(std::string_view key, std::size_t index, std::string message, std::string hint = {});
  /// Reports a mistake about the table as a whole.
  void report(std::string message, std::string hint = {});
  /// Where a key's value stands; the table's own place when there is no such key.
  SourcePosition position(std::string_view key) const;
  SourcePosition position() const;
  /// Leaves a key out of finish(), for one that is wrong in a way that has been reported.
  void pass_over(std::string_view key);
  /// Reports every key that was never asked for.
  void finish();
  /// The table's path in the file, such as "fault[0]" or "load.browse"; "" for the file itself.
  const std::string& path() const { return path_; }

 private:
  friend class TomlFile;
  TomlTable(TomlDocument& document, const void* node, std::string path);
  std::string path_of(std::string_view key) const;
  const void* find(std::string_view key);
  void wrong_type(std::string_view key, std::string_view wanted);
  template <class Value>
  std::vector<Value> values(std::string_view key, std::string_view wanted);

  TomlDocument* document_;
  const void* node_;  // a toml::table, hidden so that toml++ stays in one file
  std::string path_;
  std::shared_ptr<std::vector<std::string>> asked_;
};

class TomlFile {
 public:
  /// Errors: invalid_input, for text that is not TOML at all (toml++ stops at the first such mistake).
  static Result<TomlFile> parse(std::string_view text, std::string file_name);
  TomlFile(TomlFile&&) noexcept;
  TomlFile& operator=(TomlFile&&) noexcept;
  ~TomlFile();

  TomlTable root();
  /// What has been reported so far, in the file's order.
  std::vector<Error> errors() const;

 private:
  explicit TomlFile(std::unique_ptr<TomlDocument> document);
  std::unique_ptr<TomlDocument> document_;
};

}  // namespace obsctl::core
