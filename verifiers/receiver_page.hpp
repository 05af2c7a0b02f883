// The page a receiver shows to people: what arrived, newest first, in one self-contained document without
// scripts. Internal to verifiers/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verifiers/notification_store.hpp"

namespace obsctl::verifiers {

/// `items` newest first; `total` is how many have ever been accepted; `base` is the receiver's URL, for the
/// instructions. With `refresh` the browser loads it again every five seconds.
std::string render_receiver_page(const std::vector<NotificationStore::Item>& items, std::uint64_t total,
                                 const std::string& base, bool refresh);

}  // namespace obsctl::verifiers
