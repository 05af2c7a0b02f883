// See fault_ledger.hpp.
#include "scenarios/fault_ledger.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/descriptor.hpp"
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
          {"at_target", record.spec.at_target},
          {"has_ttl", record.has_ttl},
          {"held", record.held},
          {"since", core::format_utc(record.since)}};
}

/// Ours, and for nobody else to write: what stands in a record is carried out.
bool is_private(const fs::path& path, unsigned type) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && (status.st_mode & S_IFMT) == type &&
         status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// May throw, for a value of another type.
std::optional<FaultRecord> record_in(const Json& json) {
  if (json.at("schema") != kSchema) return std::nullopt;
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
  for (const auto& [key, value] : texts) *value = json.at(key).get<std::string>();
  const auto longest = core::parse_duration(json.at("max_duration").get<std::string>());
  const auto since = core::parse_rfc3339(json.at("since").get<std::string>());
  record.spec.parameters = json.at("parameters");
  if (!longest || !since || find_fault_kind(record.spec.kind) == nullptr ||
      !record.spec.parameters.is_object())
    return std::nullopt;
  record.spec.max_duration = *longest;
  record.since = *since;
  record.memory = json.at("memory");
  record.spec.at_target = json.at("at_target").get<bool>();
  record.has_ttl = json.at("has_ttl").get<bool>();
  record.held = json.at("held").get<bool>();
  return record;
}

/// Nothing for what is no record of ours of this schema.
std::optional<FaultRecord> read_record(const fs::path& file) {
  if (!is_private(file, S_IFREG)) return std::nullopt;
  const auto text = core::read_file(file);
  if (!text) return std::nullopt;
  try {
    return record_in(Json::parse(*text));
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

/// The same fault: two of them would overwrite each other, and the first to be cleared would end both.
bool same_fault(const FaultRecord& one, const FaultRecord& other) {
  if (one.spec.kind != other.spec.kind) return false;
  const FaultKind& kind = *find_fault_kind(one.spec.kind);
  const bool elsewhere = !one.instance.empty() && !other.instance.empty() && one.instance != other.instance;
  if (one.spec.at_target && (elsewhere || one.url != other.url)) return false;
  return kind.same == nullptr || kind.same(one.spec.parameters, other.spec.parameters);
}

/// A lock that another process holds is that of one that lives.
bool is_locked(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0;  // shared: others may look as well
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

/// Held while a record is added, so that of two that add the same fault one sees the other's. Errors:
/// timeout.
Result<core::Descriptor> lock_folder(const fs::path& folder) {
  core::Descriptor lock(::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (lock.get() >= 0 && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() > deadline)
      return core::make_error(ErrorKind::timeout,
                              fmt::format("{} is locked by another obsctl", folder.string()));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return lock;
}

void sync_folder(const fs::path& folder) {
  const core::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) ::fsync(opened.get());
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
  if (place.stack != nullptr && spec.at_target) record.instance = place.stack->instance();
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
  if (!is_private(folder_, S_IFDIR)) return found;
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

std::vector<fs::path> FaultLedger::unreadable() const {
  std::error_code failure;
  if (!fs::exists(fs::symlink_status(folder_, failure))) return {};
  if (!is_private(folder_, S_IFDIR)) return {folder_};
  std::vector<fs::path> found;
  for (const fs::directory_entry& file : fs::directory_iterator(folder_, failure)) {
    if (file.path().extension() == ".json" && !read_record(file.path())) found.push_back(file.path());
  }
  return found;
}

Result<RecordedFault> FaultLedger::add(const FaultRecord& record) {
  std::error_code failure;
  fs::create_directories(folder_.parent_path(), failure);
  ::mkdir(folder_.c_str(), S_IRWXU);
  if (!is_private(folder_, S_IFDIR))
    return core::make_error(ErrorKind::unavailable,
                            fmt::format("{} is not a folder that only you can write to", folder_.string()),
                            "a record there is carried out; let XDG_STATE_HOME name a folder of your own");
  const auto lock = lock_folder(folder_);
  if (!lock) return lock.error();
  for (const Entry& entry : entries()) {
    if (!same_fault(entry.record, record)) continue;
    if (entry.record.is_over(record.since) && !entry.looked_after) {
      forget(entry);
      continue;
    }
    return core::make_error(
        ErrorKind::conflict,
        fmt::format("{} is in place already, by run {}", entry.record.spec.description, entry.record.run),
        entry.looked_after ? "wait for that run to end"
                           : fmt::format("obsctl fault clear --run {}", entry.record.run));
  }
  return write(record);
}

/// Renamed only once it is locked and whole: nobody takes it for one that a crash has left.
Result<RecordedFault> FaultLedger::write(const FaultRecord& record) {
  const fs::path file =
      folder_ / fmt::format("{}-{}.json", record.run, core::percent_encoded(record.spec.name));
  const fs::path draft = file.string() + ".new";
  const int lock = ::open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  std::error_code failure;
  const std::string text = to_json(record).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) == 0 && write_all(lock, text)) {
    fs::rename(draft, file, failure);
    sync_folder(folder_);
    if (!failure) return RecordedFault(file, lock);
  }
  if (lock >= 0) {
    fs::remove(draft, failure);
    ::close(lock);
  }
  return core::make_error(
      ErrorKind::unavailable,
      fmt::format("cannot write {}, without which a crash would leave the fault behind", file.string()),
      "free the disk, or let XDG_STATE_HOME name a folder that can be written");
}

Result<void> FaultLedger::clear(const Entry& entry, core::Clock& clock, const std::stop_token& stop) {
  const FaultRecord& record = entry.record;
  const int lock = ::open(entry.file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0) return {};  // somebody else has just taken it away
  RecordedFault claimed(entry.file, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0)
    return core::make_error(ErrorKind::conflict, "another obsctl is looking after it");
  std::unique_ptr<stacks::Stack> stack;
  if (!record.instance.empty()) {
    auto attached = stacks::attach(record.instance);
    if (!attached && attached.error().kind == ErrorKind::not_found) {
      claimed.remove();  // it went with its stack
      return {};
    }
    if (!attached) return attached.error();
    stack = std::move(*attached);
  }
  const auto fault = make_fault(record.spec, place_of(record, stack.get()), clock);
  if (!fault) return fault.error();
  (*fault)->recall(record.memory);
  if (record.is_over(clock.wall_now())) {
    if (auto over = see_it_over(entry, **fault, stop); !over) return over;
  } else if (const auto cleared = clear_for_sure(**fault, clock, stop); !cleared) {
    return cleared.error();
  }
  claimed.remove();
  return {};
}

/// Its TTL has ended it: what is there now may be somebody else's, and is left alone.
Result<void> FaultLedger::see_it_over(const Entry& entry, Fault& fault, const std::stop_token& stop) const {
  for (const Entry& other : entries()) {
    if (other.file != entry.file && same_fault(other.record, entry.record)) return {};
  }
  const auto sight = fault.look(stop);
  if (!sight || !sight->present) return {};
  return core::make_error(
      ErrorKind::conflict,
      fmt::format("its time was over at {}, and yet: {}",
                  core::format_utc(entry.record.since + entry.record.spec.max_duration), sight->evidence),
      "it may be somebody else's by now, and is left alone");
}

void FaultLedger::forget(const Entry& entry) {
  std::error_code ignored;
  fs::remove(entry.file, ignored);
}

}  // namespace obsctl::scenarios
