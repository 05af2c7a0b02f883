// Diagnostics for whoever runs obsctl: lines on stderr (or another descriptor), as text or JSON. Results
// never go here.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"

namespace obsctl::core {

enum class LogLevel { debug, info, warn, error, off };
enum class LogFormat { text, json };

/// "debug", "info", "warn", "error" or "off". Errors: invalid_input.
Result<LogLevel> parse_log_level(std::string_view text);

/// One key and its already formatted value. In JSON a value is written as a string, unless `raw` is set, when
/// it is written as it stands (a number or true/false).
struct LogField {
  std::string_view key;
  std::string value;
  bool raw = false;
};

/// Writes one line a call, with one write(2), whatever the text holds (line ends and other control characters
/// are escaped); safe to use from several threads. Lines below the level cost one comparison.
class Logger {
 public:
  /// `descriptor` stays open and belongs to the caller.
  explicit Logger(LogLevel level, LogFormat format = LogFormat::text, int descriptor = 2);
  ~Logger() = default;
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool enabled(LogLevel level) const { return level >= level_; }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::debug)) write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::info)) write(LogLevel::info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::warn)) write(LogLevel::warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::error)) write(LogLevel::error, message, fields);
  }

 private:
  const LogLevel level_;
  const LogFormat format_;
  const int descriptor_;
};

/// Appends `text` to `out` as the inside of a JSON string (no quotes around it).
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace obsctl::core
