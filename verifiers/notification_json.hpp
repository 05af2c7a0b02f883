// The part of reading a notification's JSON that needs the JSON reader. Internal to verifiers/.
#pragma once

#include "verifiers/json_reader.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

/// What is wrong is noted in the reader's errors.
Notification read_notification(const JsonReader& root);

}  // namespace obsctl::verifiers
