// libFuzzer target for notifications: the first byte chooses the kind, the rest is the body. Whatever is
// accepted is kept byte for byte and survives being written as JSON and read again. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "verifiers/notification.hpp"

using namespace obsctl::verifiers;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr NotificationKind kinds[] = {NotificationKind::webhook, NotificationKind::slack,
                                        NotificationKind::discord};
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto read = parse_notification(kinds[data[0] % 3], "name", body, obsctl::core::WallTime());
  // The same bytes as what a receiver in another process answers.
  static_cast<void>(notification_from_json(body));
  if (!read) return read.error().message.empty() ? (std::abort(), 0) : 0;
  if (read->raw != body) std::abort();
  static_cast<void>(status_of(*read, "HighErrorRate"));
  const std::string text = notification_to_json(*read);
  const auto again = notification_from_json(text);
  if (!again || notification_to_json(*again) != text) std::abort();
  return 0;
}
