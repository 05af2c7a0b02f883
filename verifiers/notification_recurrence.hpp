// Tells whether a notification says something new: remembers, for each group of each receiver, what was said
// last. The rule is in docs/reference/receiver.md. Internal to verifiers/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

/// One thread at a time.
class RecurrenceMemory {
 public:
  /// The group that has been silent longest is forgotten when there are more than `max_groups`.
  RecurrenceMemory(core::Nanoseconds duplicate_within, std::size_t max_groups)
      : duplicate_within_(duplicate_within), max_groups_(max_groups) {}

  /// Fills in `recurrence` and `recurrence_of`, and remembers. Its sequence is set already.
  void judge(Notification& notification);
  void clear();

 private:
  struct Said {
    std::uint64_t sequence = 0;  ///< 0: nothing yet
    std::size_t content = 0;     ///< a hash
    core::WallTime at;
  };
  struct Group {
    std::string key;
    Said accepted, refused;
  };
  Group& group_of(std::string key);

  const core::Nanoseconds duplicate_within_;
  const std::size_t max_groups_;
  std::list<Group> groups_;  ///< the one heard of last is in front
  std::unordered_map<std::string, std::list<Group>::iterator> by_key_;
};

}  // namespace obsctl::verifiers
