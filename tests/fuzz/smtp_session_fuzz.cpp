// libFuzzer target for SMTP conversations: the first byte chooses what is offered and how the rest, what a
// client sends, is cut into pieces. However it is cut, the replies and the mails are the same; every reply is
// one; no mail is larger than it may be. Build and run: make fuzz.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/smtp_path.hpp"
#include "verifiers/smtp_session.hpp"

using namespace obsctl::verifiers;

namespace {

constexpr std::size_t kMaxMessage = 200;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Transcript {
  std::string output;
  std::vector<SmtpMessage> messages;
  bool closed = false;
};

/// Every line is "NNN text" or "NNN-text".
void check_replies(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = output.find("\r\n");
    require(end != std::string_view::npos && end >= 4);
    require(output[0] >= '2' && output[0] <= '5' && (output[3] == ' ' || output[3] == '-'));
    output.remove_prefix(end + 2);
  }
}

Transcript talk(const SmtpSettings& settings, std::string_view said, std::size_t chunk) {
  SmtpSession session(settings);
  Transcript transcript;
  while (!said.empty() && !transcript.closed) {
    std::string_view piece = said.substr(0, chunk);
    said.remove_prefix(piece.size());
    while (!piece.empty() && !transcript.closed) {
      switch (session.feed(piece, transcript.output)) {
        case SmtpSession::Next::read:
          require(piece.empty());
          break;
        case SmtpSession::Next::message:
          transcript.messages.push_back(session.take_message());
          session.answer(250, "2.0.0 taken", transcript.output);
          break;
        case SmtpSession::Next::start_tls:
          session.tls_started();
          break;
        case SmtpSession::Next::close:
          transcript.closed = true;
          break;
      }
    }
  }
  return transcript;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const SmtpSettings settings{.max_message = kMaxMessage,
                              .max_recipients = 3,
                              .starttls = (choice & 1) != 0,
                              .auth = static_cast<SmtpAuth>((choice >> 1) % 3)};
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Transcript whole = talk(settings, said, std::string_view::npos);
  const Transcript cut = talk(settings, said, choice / 16 + 1);
  require(whole.output == cut.output);
  require(whole.messages.size() == cut.messages.size());
  check_replies(whole.output);
  for (std::size_t i = 0; i < whole.messages.size(); ++i) {
    const SmtpMessage& message = whole.messages[i];
    require(message.data == cut.messages[i].data && message.recipients == cut.messages[i].recipients);
    require(message.data.size() <= kMaxMessage);
    require(!message.recipients.empty() && message.recipients.size() <= settings.max_recipients);
    for (const std::string& recipient : message.recipients) require(!local_part(recipient).empty());
  }
  return 0;
}
