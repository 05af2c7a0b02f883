// What the real services answer, so that a sender cannot tell the difference. Internal to verifiers/.
#pragma once

#include <string_view>

#include "core/http_server.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

/// To a notification that has been taken.
core::HttpResponse taken_answer(const Notification& notification);

/// To what is not a payload of its kind.
core::HttpResponse malformed_answer(NotificationKind kind, std::string_view reason);

}  // namespace obsctl::verifiers
