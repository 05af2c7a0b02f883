// See fault_ledger.hpp.
#include "scenarios/fault_ledger.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::scenarios {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

constexpr int kSchema = 1;

Json to_json(const FaultRecord& record) {
  return {{"schema", kSchema},
          {"run", record.run},
          {"fault", record.spec.name},
          {"kind", record.spec.kind},
          {"target", record.spec.target},
          {"description", record.spec.description},
          {"parameters", record.spec.parameters},
          {"max_duration", core::format_duration(record.spec.max_duration)},
          {"url", record.url},
          {"token_variable", record.token_variable},
          {"instance", record.instance},
          {"memory", record.memory},
          {"undo", record.undo},
          {"has_ttl", record.has_ttl},
          {"held", record.held},
          {"since", core::format_utc(record.since)}};
}

/// Nothing for what is no record of this schema.
std::optional<FaultRecord> read_record(const fs::path& file) {
  const auto text = core::read_file(file);
  if (!text) return std::nullopt;
  const Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object() || json.value("schema", 0) != kSchema) return std::nullopt;
  FaultRecord record;
  const std::pair<const char*, std::string*> texts[] = {{"run", &record.run},
                                                        {"fault", &record.spec.name},
                                                        {"kind", &record.spec.kind},
                                                        {"target", &record.spec.target},
                                                        {"description", &record.spec.description},
                                                        {"url", &record.url},
                                                        {"token_variable", &record.token_variable},
                                                        {"instance", &record.instance},
                                                        {"undo", &record.undo}};
  for (const auto& [key, value] : texts) {
    if (!json.contains(key) || !json[key].is_string()) return std::nullopt;
    *value = json[key].get<std::string>();
  }
  const auto longest = core::parse_duration(json.value("max_duration", ""));
  const auto since = core::parse_rfc3339(json.value("since", ""));
  if (!longest || !since || find_fault_kind(record.spec.kind) == nullptr) return std::nullopt;
  record.spec.max_duration = *longest;
  record.since = *since;
  record.spec.parameters = json.value("parameters", Json::object());
  if (!record.spec.parameters.is_object()) return std::nullopt;
  record.memory = json.value("memory", Json());
  record.has_ttl = json.value("has_ttl", false);
  record.held = json.value("held", false);
  return record;
}

/// The same fault: two of them would overwrite each other, and the first to be cleared would end both.
bool same_fault(const FaultRecord& one, const FaultRecord& other) {
  if (one.spec.kind != other.spec.kind) return false;
  const FaultKind& kind = *find_fault_kind(one.spec.kind);
  if (kind.place == FaultKind::Place::own_keys) return one.spec.parameters == other.spec.parameters;
  if (one.spec.parameters.value(kind.apart, "") != other.spec.parameters.value(kind.apart, "")) return false;
  return one.url == other.url && one.spec.target == other.spec.target && one.instance == other.instance;
}

/// A lock that another process holds is that of one that lives.
bool is_locked(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
  ::close(fd);
  return locked;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fdatasync(fd) == 0;
}

FaultPlace place_of(const FaultRecord& record, stacks::Stack* stack) {
  const std::string token = stack == nullptr ? token_from(record.token_variable) : stack->token();
  return {record.spec.target, record.url, token, stack, record.token_variable};
}

}  // namespace

bool FaultRecord::is_over(core::WallTime now) const {
  return has_ttl && now > since + spec.max_duration + std::chrono::seconds(1);
}

FaultRecord record_of(const FaultSpec& spec, const FaultPlace& place, const Fault& fault,
                      const std::string& run, core::WallTime since) {
  FaultRecord record;
  record.run = run;
  record.spec = spec;
  record.url = place.url;
  record.token_variable = place.token_variable;
  if (place.stack != nullptr) record.instance = place.stack->instance();
  record.memory = fault.memory();
  record.undo = fault.undo();
  record.has_ttl = fault.has_ttl();
  record.since = since;
  return record;
}

RecordedFault::RecordedFault(RecordedFault&& other) noexcept
    : file_(std::move(other.file_)), lock_(std::exchange(other.lock_, -1)) {}

RecordedFault& RecordedFault::operator=(RecordedFault&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(lock_, other.lock_);
  return *this;
}

RecordedFault::~RecordedFault() {
  if (lock_ >= 0) ::close(lock_);
}

void RecordedFault::remove() {
  if (lock_ < 0) return;
  std::error_code ignored;
  fs::remove(file_, ignored);
  ::close(std::exchange(lock_, -1));
}

FaultLedger::FaultLedger(fs::path folder)
    : folder_(folder.empty() ? core::state_directory() / "faults" : std::move(folder)) {}

std::vector<FaultLedger::Entry> FaultLedger::entries() const {
  std::vector<Entry> found;
  std::error_code failure;
  for (const fs::directory_entry& file : fs::directory_iterator(folder_, failure)) {
    if (file.path().extension() != ".json") continue;
    auto record = read_record(file.path());
    if (record) found.push_back({std::move(*record), file.path(), is_locked(file.path())});
  }
  std::sort(found.begin(), found.end(), [](const Entry& one, const Entry& other) {
    return std::pair(one.record.since, one.file) < std::pair(other.record.since, other.file);
  });
  return found;
}

Result<RecordedFault> FaultLedger::add(const FaultRecord& record) {
  for (const Entry& entry : entries()) {
    if (!same_fault(entry.record, record) || entry.record.is_over(record.since)) continue;
    return core::make_error(
        ErrorKind::unavailable,
        fmt::format("{} is in place already, by run {}", entry.record.spec.description, entry.record.run),
        entry.looked_after ? "wait for that run to end"
                           : fmt::format("obsctl fault clear --run {}", entry.record.run));
  }
  std::error_code failure;
  fs::create_directories(folder_, failure);
  // Renamed only once it is locked and whole: nobody takes it for one that a crash has left.
  const fs::path file =
      folder_ / fmt::format("{}-{}.json", record.run, core::percent_encoded(record.spec.name));
  const fs::path draft = file.string() + ".new";
  const int lock = ::open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) == 0 && write_all(lock, to_json(record).dump(2) + "\n")) {
    fs::rename(draft, file, failure);
    if (!failure) return RecordedFault(file, lock);
  }
  if (lock >= 0) ::close(lock);
  return core::make_error(
      ErrorKind::unavailable,
      fmt::format("cannot write {}, without which a crash would leave the fault behind", file.string()),
      "free the disk, or let XDG_STATE_HOME name a folder that can be written");
}

Result<void> FaultLedger::clear(const Entry& entry, core::Clock& clock, const std::stop_token& stop) {
  const FaultRecord& record = entry.record;
  std::unique_ptr<stacks::Stack> stack;
  if (!record.instance.empty()) {
    auto attached = stacks::attach(record.instance);
    if (!attached && attached.error().kind == ErrorKind::not_found) {
      forget(entry);  // it went with its stack
      return {};
    }
    if (!attached) return attached.error();
    stack = std::move(*attached);
  }
  const auto fault = make_fault(record.spec, place_of(record, stack.get()), clock);
  if (!fault) return fault.error();
  (*fault)->recall(record.memory);
  const auto cleared = clear_for_sure(**fault, clock, stop);
  if (!cleared && !record.is_over(clock.wall_now())) return cleared.error();
  forget(entry);
  return {};
}

void FaultLedger::forget(const Entry& entry) {
  std::error_code ignored;
  fs::remove(entry.file, ignored);
}

}  // namespace obsctl::scenarios
