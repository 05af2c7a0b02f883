// The flags of the long-lived parts: each has an environment variable, is read as text and checked when the
// part starts, and is named with its variable in every error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/command_line.hpp"
#include "core/duration.hpp"

namespace obsctl::cli {

/// One part's flags.
class ServeFlags {
 public:
  /// `prefix` begins every variable: "OBSCTL_RECEIVER".
  explicit constexpr ServeFlags(std::string_view prefix) : prefix_(prefix) {}

  /// The environment variable of a flag: --max-body is OBSCTL_RECEIVER_MAX_BODY.
  std::string variable_of(std::string_view flag) const;

  template <class Value>
  CLI::Option* add(CLI::App& command, const std::string& flag, Value& value, const char* type,
                   const char* description) const {
    return command.add_option(flag, value, description)
        ->envname(variable_of(flag))
        ->type_name(type)
        ->capture_default_str();
  }

  /// The same error, of kind usage and with the flag and its variable in front.
  core::Error at_flag(std::string_view flag, const core::Error& error) const;

  /// The first line of --token-file, else the variable of --token; empty when there is neither. A secret is
  /// never the value of a flag, where every user of the machine could read it. Errors: read_file's; usage.
  core::Result<std::string> read_token(const std::string& file) const;

 private:
  std::string_view prefix_;
};

/// Reads one flag's text after the other into its place; the first mistake is kept.
class FlagReader {
 public:
  explicit FlagReader(const ServeFlags& flags) : flags_(flags) {}

  template <class Value>
  void take(std::string_view flag, core::Result<Value> value, Value& into) {
    if (!value && !error_) error_ = flags_.at_flag(flag, value.error());
    if (value) into = std::move(*value);
  }
  /// For what names its flag itself.
  template <class Value>
  void take(core::Result<Value> value, Value& into) {
    if (!value && !error_) error_ = value.error();
    if (value) into = std::move(*value);
  }
  void duration(std::string_view flag, const std::string& text, core::Nanoseconds& into) {
    take(flag, core::parse_duration(text), into);
  }
  /// A duration that 0 would make senseless.
  void positive_duration(std::string_view flag, const std::string& text, core::Nanoseconds& into);

  const std::optional<core::Error>& error() const { return error_; }

 private:
  const ServeFlags& flags_;
  std::optional<core::Error> error_;
};

}  // namespace obsctl::cli
