// libFuzzer target for notifications: the first byte chooses the kind, the rest is the body (of a mail: the
// message). Whatever is accepted is kept byte for byte, survives being written as JSON and read again, says
// the same as itself, and shows nothing but text. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "verifiers/notification.hpp"
#include "verifiers/notification_recurrence.hpp"
#include "verifiers/text_encodings.hpp"

using namespace obsctl::verifiers;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = kNotificationKinds[data[0] % kNotificationKinds.size()];
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto read = parse_notification(kind, "name", body, obsctl::core::WallTime());
  // The same bytes as what a receiver in another process answers.
  static_cast<void>(notification_from_json(body));
  if (!read) {
    require(!read.error().message.empty());
    require(kind != NotificationKind::generic && kind != NotificationKind::email);
    return 0;
  }
  require(read->raw == body);
  require(is_utf8(read->text) && is_utf8(read->title));
  static_cast<void>(status_of(*read, "HighErrorRate"));
  static_cast<void>(shown_body(*read));
  const std::string text = notification_to_json(*read);
  const auto again = notification_from_json(text);
  require(again && notification_to_json(*again) == text && again->raw == body);

  RecurrenceMemory memory(obsctl::core::Nanoseconds(0), 2);
  read->sequence = 1;
  memory.judge(*read);
  require(read->recurrence == Recurrence::first);
  read->sequence = 2;
  memory.judge(*read);
  require(read->recurrence == Recurrence::duplicate && read->recurrence_of == 1);
  return 0;
}
