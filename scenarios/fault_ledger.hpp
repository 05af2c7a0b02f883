// Which faults are in place, on disk: one record each, written before the fault is injected and removed once
// it is known to be gone. Whoever injects a fault holds a lock on its record for as long as he lives, so that
// anybody can tell a fault that is being looked after from one that a crash has left, and take the latter
// away.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "scenarios/faults/fault.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// Everything that is needed to take a fault away in another process. Holds no secret: tokens come from the
/// stack or the environment.
struct FaultRecord {
  std::string run;  ///< the id of the run, or of the command, that injected it
  FaultSpec spec;   ///< name, target, kind, parameters, max_duration and description only
  std::string url;
  std::string token_variable;
  std::string instance;  ///< of the stack that it is gone with; empty: none
  Json memory;           ///< Fault::memory
  std::string undo;
  bool has_ttl = false;
  bool held = false;  ///< left in place on purpose, by `obsctl fault set`
  core::WallTime since;

  /// Whether it has ended by itself, as far as its TTL tells.
  bool is_over(core::WallTime now) const;
};

FaultRecord record_of(const FaultSpec& spec, const FaultPlace& place, const Fault& fault,
                      const std::string& run, core::WallTime since);

/// A record that this process has written, and its lock. The destructor lets go of the lock and leaves the
/// record where it is.
class RecordedFault {
 public:
  RecordedFault(RecordedFault&& other) noexcept;
  RecordedFault& operator=(RecordedFault&& other) noexcept;
  ~RecordedFault();

  /// The fault is gone. Again: does nothing.
  void remove();

 private:
  friend class FaultLedger;
  RecordedFault(std::filesystem::path file, int lock) : file_(std::move(file)), lock_(lock) {}
  std::filesystem::path file_;
  int lock_ = -1;
};

class FaultLedger {
 public:
  /// The state directory's, or `folder` where one is named.
  explicit FaultLedger(std::filesystem::path folder = {});

  struct Entry {
    FaultRecord record;
    std::filesystem::path file;
    bool looked_after = false;  ///< whoever injected it lives
  };
  /// Oldest first. Files that cannot be read are left out.
  std::vector<Entry> entries() const;
  /// What is there but cannot be read: written by another version or by another user, or damaged. Nobody
  /// knows what they tell of.
  std::vector<std::filesystem::path> unreadable() const;

  /// Writes a record; that of the same fault whose TTL is over is dropped. Errors: unavailable, when it
  /// cannot be written; conflict, when the same fault is in place already for somebody else.
  core::Result<RecordedFault> add(const FaultRecord& record);

  /// Takes away a fault that nobody looks after, and its record. Main thread only. A fault that ended by
  /// itself, or went with its stack, is no error. Errors: those of Fault::clear; conflict, when somebody else
  /// is at it, or when its TTL is over and yet it is there, perhaps set anew by somebody else; the record
  /// stays.
  core::Result<void> clear(const Entry& entry, core::Clock& clock, const std::stop_token& stop);

  /// Drops the record and nothing else, for a person who has mended it by hand.
  void forget(const Entry& entry);

 private:
  core::Result<RecordedFault> write(const FaultRecord& record);
  core::Result<void> see_it_over(const Entry& entry, Fault& fault, const std::stop_token& stop) const;

  std::filesystem::path folder_;
};

}  // namespace obsctl::scenarios
