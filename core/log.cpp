#include "core/log.hpp"

#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "core/clock.hpp"

namespace obsctl::core {

namespace {

constexpr std::array<std::string_view, 5> kLevelNames{"debug", "info", "warn", "error", "off"};

/// A line is written with one write(2), so lines of several threads and processes do not mix.
void write_all(int descriptor, std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(descriptor, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // there is nowhere left to complain to
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Text from outside (a peer's answer, say) must not be able to fake a second line.
void append_on_one_line(std::string& line, std::string_view text) {
  for (const char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      append_json_escaped(line, std::string_view(&c, 1));
    } else {
      line += c;
    }
  }
}

/// key=value, the value in quotes where it would otherwise not end where it seems to.
void append_text_field(std::string& line, const LogField& field) {
  fmt::format_to(std::back_inserter(line), " {}=", field.key);
  const bool plain = !field.value.empty() && field.value.find_first_of(" \"=") == std::string::npos;
  if (plain) return append_on_one_line(line, field.value);
  line += '"';
  append_json_escaped(line, field.value);
  line += '"';
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == text) return static_cast<LogLevel>(i);
  }
  return make_error(ErrorKind::invalid_input, fmt::format("\"{}\" is not a log level", text),
                    "use debug, info, warn, error or off");
}

Logger::Logger(LogLevel level, LogFormat format, int descriptor)
    : level_(level), format_(format), descriptor_(descriptor) {}

void Logger::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  const std::string_view name = kLevelNames[static_cast<std::size_t>(level)];
  std::string line;
  line.reserve(160);
  if (format_ == LogFormat::json) {
    fmt::format_to(std::back_inserter(line), R"({{"time":"{}","level":"{}","message":")",
                   format_utc(std::chrono::system_clock::now()), name);
    append_json_escaped(line, message);
    line += '"';
    for (const LogField& field : fields) {
      line += ",\"";
      append_json_escaped(line, field.key);
      line += field.raw ? "\":" : "\":\"";
      if (field.raw) {
        line += field.value;
      } else {
        append_json_escaped(line, field.value);
        line += '"';
      }
    }
    line += "}\n";
  } else {
    fmt::format_to(std::back_inserter(line), "{}: ", name);
    append_on_one_line(line, message);
    for (const LogField& field : fields) append_text_field(line, field);
    line += '\n';
  }
  write_all(descriptor_, line);
}

void append_json_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
}

}  // namespace obsctl::core
