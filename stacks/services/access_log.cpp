#include "stacks/services/access_log.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "core/log.hpp"

namespace obsctl::stacks {

namespace {

/// Written at once when this much has come together.
constexpr std::size_t kEnough = 64u << 10;
/// More than this is not kept for a reader who does not read.
constexpr std::size_t kTooMuch = 4u << 20;
/// How often the writer looks up when nothing has happened; it is told when something has.
constexpr auto kIdleLook = std::chrono::seconds(10);

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // there is nowhere left to complain to
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  out += ",\"";
  out += key;
  out += "\":\"";
  core::append_json_escaped(out, value);
  out += '"';
}

/// For text from outside: bytes that are not ASCII are written as the code points U+0080 to U+00FF, since
/// nobody promises that they are UTF-8, and a line that is not would not be JSON.
void append_foreign_text(std::string& out, std::string_view key, std::string_view value) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(value.begin(), value.end(), is_ascii)) return append_text(out, key, value);
  std::string wide;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_ascii(c)) wide += static_cast<char>(0xc0 | (byte >> 6));
    wide += is_ascii(c) ? c : static_cast<char>(0x80 | (byte & 0x3f));
  }
  append_text(out, key, wide);
}

}  // namespace

core::Result<AccessLogMode> parse_access_log_mode(std::string_view text) {
  if (text == "all") return AccessLogMode::all;
  if (text == "errors") return AccessLogMode::errors;
  if (text == "off") return AccessLogMode::off;
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("\"{}\" is not an access log mode", text), "use all, errors or off");
}

void append_access_line(std::string& out, std::string_view time, const AccessEntry& entry) {
  out += "{\"time\":\"";
  out += time;
  out += R"(","level":"info","message":"request")";
  append_text(out, "request_id", entry.request_id);
  append_foreign_text(out, "method", entry.method);
  append_foreign_text(out, "path", entry.path);
  append_text(out, "route", entry.route);
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(entry.duration).count();
  fmt::format_to(std::back_inserter(out), R"(,"status":{},"duration_ms":{}.{:03},"bytes":{})", entry.status,
                 microseconds / 1000, microseconds % 1000, entry.bytes);
  append_text(out, "remote", entry.remote);
  if (!entry.user_agent.empty()) append_foreign_text(out, "user_agent", entry.user_agent);
  if (!entry.faults.empty()) append_text(out, "faults", entry.faults);
  out += "}\n";
}

AccessLog::AccessLog(const AccessLogOptions& options)
    : options_(options),
      sample_(options.sample, options.seed),
      writer_([this](const std::stop_token& stop) { flush_until_stopped(stop); }) {}

AccessLog::~AccessLog() = default;

bool AccessLog::wants(int status) {
  if (options_.mode == AccessLogMode::off) return false;
  return status >= 400 || (options_.mode == AccessLogMode::all && sample_.next());
}

std::string_view AccessLog::timestamp(core::WallTime time) {
  const auto since_epoch = time.time_since_epoch();
  const auto second = std::chrono::floor<std::chrono::seconds>(since_epoch);
  if (second.count() != timestamp_second_) {
    timestamp_second_ = second.count();
    timestamp_ = core::format_utc(core::WallTime(second));
  }
  // "2026-11-21T03:38:26.000Z": only the milliseconds change within a second.
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch - second).count();
  const std::size_t point = timestamp_.size() - 4;
  timestamp_[point] = static_cast<char>('0' + ms / 100);
  timestamp_[point + 1] = static_cast<char>('0' + ms / 10 % 10);
  timestamp_[point + 2] = static_cast<char>('0' + ms % 10);
  return timestamp_;
}

void AccessLog::write(core::WallTime time, const AccessEntry& entry) {
  line_.clear();
  append_access_line(line_, timestamp(time), entry);
  write_line(line_);
}

void AccessLog::write_line(std::string_view line) {
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() > kTooMuch) {
      ++dropped_;
      return;
    }
    tell = waiting_.empty() || (waiting_.size() < kEnough && waiting_.size() + line.size() >= kEnough);
    waiting_ += line;
  }
  if (tell) wake_.notify_one();
}

std::uint64_t AccessLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void AccessLog::flush_until_stopped(const std::stop_token& stop) {
  std::string writing;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() || !waiting_.empty()) {
    if (wake_.wait_for(lock, stop, kIdleLook, [&] { return !waiting_.empty(); })) {
      // Give the line company; a large batch ends the wait.
      wake_.wait_for(lock, stop, options_.flush_delay, [&] { return waiting_.size() >= kEnough; });
    }
    writing.clear();
    writing.swap(waiting_);
    lock.unlock();
    write_all(options_.descriptor, writing);
    lock.lock();
  }
}

}  // namespace obsctl::stacks
