// SMTP conversations, byte by byte and all at once: replies, limits, and where a mail ends.
#include "verifiers/smtp_session.hpp"

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "verifiers/smtp_path.hpp"
#include "verifiers/text_encodings.hpp"

using namespace obsctl::verifiers;

namespace {

/// A session that takes every mail. Says what it was told, in the order it would go over the wire.
struct Conversation {
  explicit Conversation(SmtpSettings settings = {}) : session(settings) {}

  /// The replies' codes and what else happened: "250 354 <mail> 250 closed".
  std::string say(const std::string& text, std::size_t chunk = std::string::npos) {
    std::string output, happened;
    const auto add = [&happened](std::string_view what) {
      happened.append(happened.empty() ? "" : " ").append(what);
    };
    const auto flush = [&] {
      for (const std::string_view line : obsctl::core::split(output, '\n')) {
        if (line.size() > 3 && line[3] == ' ') add(line.substr(0, 3));
      }
      all += output;
      output.clear();
    };
    for (std::size_t at = 0; at < text.size(); at += std::min(chunk, text.size() - at)) {
      std::string_view input = std::string_view(text).substr(at, chunk);
      while (!input.empty()) {
        const auto next = session.feed(input, output);
        flush();
        if (next == SmtpSession::Next::message) {
          messages.push_back(session.take_message());
          add("<mail>");
          session.answer(250, "2.0.0 taken", output);
          flush();
        } else if (next == SmtpSession::Next::start_tls) {
          add("<tls>");
          session.tls_started();
          input = {};
        } else if (next == SmtpSession::Next::close) {
          add("closed");
          return happened;
        }
      }
    }
    return happened;
  }

  SmtpSession session;
  std::vector<SmtpMessage> messages;
  std::string all;
};

const std::string kHello = "EHLO me\r\n";
const std::string kEnvelope = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";

}  // namespace

TEST_CASE("a mail goes from greeting to goodbye, whatever pieces it comes in") {
  const std::size_t chunk = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{7}, std::string::npos);
  CAPTURE(chunk);
  Conversation talk;
  CHECK(SmtpSession::greeting() == "220 obsctl ESMTP\r\n");
  CHECK(talk.say("EHLO me\r\nMAIL FROM:<from@example.org> SIZE=20 BODY=8BITMIME SMTPUTF8\r\n"
                 "rcpt to:<On Call@example.org>\r\nRCPT TO: <\"a b\"@x>\r\nDATA\r\n"
                 "Subject: x\r\n\r\n..dot\r\n.\rno end\r\n.\n.\r\nstill\r\n.\r\n"
                 "MAIL FROM:<>\r\nRCPT TO:<@a,@b:c@d>\r\nDATA\r\n.\r\nQUIT\r\n",
                 chunk) == "250 250 250 250 354 <mail> 250 250 250 354 <mail> 250 221 closed");
  REQUIRE(talk.messages.size() == 2);
  CHECK(talk.messages[0].sender == "from@example.org");
  CHECK(talk.messages[0].recipients == std::vector<std::string>{"On Call@example.org", "\"a b\"@x"});
  // Only the dots that transport had to add are gone; only CRLF dot CRLF ends a mail.
  CHECK(talk.messages[0].data == "Subject: x\r\n\r\n.dot\r\n\rno end\r\n\n.\r\nstill\r\n");
  CHECK(talk.messages[1].sender.empty());
  CHECK(talk.messages[1].recipients == std::vector<std::string>{"c@d"});
  CHECK(talk.messages[1].data.empty());
}

TEST_CASE("nothing that resembles the end of a mail ends it") {
  const std::string resembles =
      GENERATE("\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r\n..\r\n", "\r\n .\r\n");
  Conversation talk;
  const std::string smuggled = "MAIL FROM:<evil@x>\r\n";
  CHECK(talk.say(kHello + kEnvelope + "x" + resembles + smuggled + "\r\n.\r\n") ==
        "250 250 250 354 <mail> 250");
  REQUIRE(talk.messages.size() == 1);
  CHECK(talk.messages[0].data.find("MAIL FROM:<evil@x>") != std::string::npos);
}

TEST_CASE("commands out of order or out of form are refused") {
  const auto [said, replies] = GENERATE(table<std::string, std::string>({
      {"MAIL FROM:<a@b>\r\n", "503"},
      {"EHLO\r\n", "501"},
      {"HELO me\r\nRCPT TO:<a@b>\r\n", "250 503"},
      {"HELO me\r\nMAIL FROM:<a@b>\r\nDATA\r\n", "250 250 503"},
      {"HELO me\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", "250 250 503"},
      {"HELO me\r\nMAIL FROM:a@b\r\n", "250 501"},
      {"HELO me\r\nMAIL TO:<a@b>\r\n", "250 501"},
      {"HELO me\r\nMAIL FROM:<a@b>x\r\n", "250 501"},
      {"HELO me\r\nMAIL FROM:<a@b> RET=FULL\r\n", "250 555"},
      {"HELO me\r\nMAIL FROM:<a@b> SIZE=many\r\n", "250 501"},
      {"HELO me\r\nMAIL FROM:<a@b\r\n", "250 501"},
      {"HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<>\r\n", "250 250 553"},
      {"HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a/b@c>\r\n", "250 250 553"},
      {"HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a\x01@c>\r\n", "250 250 501"},
      {"HELO me\r\nMAIL FROM:<a@b>\r\nRSET\r\nRCPT TO:<a@b>\r\n", "250 250 250 503"},
      {"NOOP\r\nVRFY x\r\nHELP\r\nEXPN x\r\n\r\n", "250 252 214 500 500"},
      {"STARTTLS\r\nAUTH PLAIN\r\n", "502 502"},
      {"noop\nQUIT\nNOOP\r\n", "250 221 closed"},
  }));
  CAPTURE(said);
  CHECK(Conversation().say(said) == replies);
}

TEST_CASE("what is too long or too much is refused") {
  SmtpSettings settings;
  settings.max_message = 100;
  settings.max_recipients = 2;
  Conversation talk(settings);
  SECTION("a size that is announced") {
    CHECK(talk.say(kHello + "MAIL FROM:<a@b> SIZE=101\r\nMAIL FROM:<a@b> SIZE=99999999999999999999\r\n"
                            "MAIL FROM:<a@b> SIZE=100\r\n") == "250 552 552 250");
    CHECK(talk.all.find("250 SIZE 100\r\n") != std::string::npos);
  }
  SECTION("a mail, to the byte, and the next one is taken") {
    CHECK(talk.say(kHello + kEnvelope + std::string(98, 'x') + "\r\n.\r\n" + kEnvelope +
                   std::string(99, 'x') + "\r\n.\r\n" + kEnvelope + "y\r\n.\r\n") ==
          "250 250 250 354 <mail> 250 250 250 354 552 250 250 354 <mail> 250");
    REQUIRE(talk.messages.size() == 2);
    CHECK(talk.messages[0].data.size() == 100);
    CHECK(talk.messages[1].data == "y\r\n");
  }
  SECTION("a mail without end") {
    CHECK(talk.say(kHello + kEnvelope + std::string(1000, 'x') + "\r\n.\r\n") ==
          "250 250 250 354 552 closed");
  }
  SECTION("a line") {
    CHECK(talk.say(std::string(20'000, 'x') + "\r\nNOOP\r\n", 1000) == "500 250");
  }
  SECTION("recipients") {
    CHECK(talk.say(kHello + "MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\n") ==
          "250 250 250 250 452");
  }
  SECTION("a name") {
    CHECK(talk.say(kHello + "MAIL FROM:<a@b>\r\nRCPT TO:<" + std::string(201, 'x') + "@b>\r\n") ==
          "250 250 553");
  }
  SECTION("mistakes") {
    std::string said;
    for (int i = 0; i < 30; ++i) said += i % 2 == 0 ? "WHAT\r\n" : "RCPT TO:<a@b>\r\n";
    const std::string replies = talk.say(kHello + said);
    CHECK(replies.ends_with("closed"));
    CHECK(std::count(replies.begin(), replies.end(), ' ') ==
          21);  // the greeting's answer, twenty refusals, the end
  }
}

TEST_CASE("credentials are taken whatever they are, where they are asked for") {
  SmtpSettings settings;
  settings.auth = SmtpAuth::required;
  const std::string plain = base64_encoded(std::string("\0user\0password", 14));
  const auto [said, replies] = GENERATE_COPY(table<std::string, std::string>({
      {"MAIL FROM:<a@b>\r\n", "530"},
      {"AUTH PLAIN " + plain + "\r\nMAIL FROM:<a@b>\r\n", "235 250"},
      {"AUTH PLAIN\r\n" + plain + "\r\nMAIL FROM:<a@b>\r\n", "334 235 250"},
      {"auth login\r\ndXNlcg==\r\ncGFzcw==\r\nMAIL FROM:<a@b>\r\n", "334 334 235 250"},
      {"AUTH LOGIN dXNlcg==\r\ncGFzcw==\r\n", "334 235"},
      {"AUTH LOGIN dXNlcg==\r\n=\r\n", "334 235"},
      {"AUTH PLAIN dXNlcg==\r\nNOOP\r\n", "501 250"},
      {"AUTH PLAIN\r\n*\r\nNOOP\r\n", "334 501 250"},
      {"AUTH CRAM-MD5\r\n", "504"},
      {"AUTH PLAIN " + plain + "\r\nAUTH PLAIN " + plain + "\r\n", "235 503"},
  }));
  CAPTURE(said);
  Conversation talk(settings);
  CHECK(talk.say(kHello + said) == "250 " + replies);
  CHECK(talk.all.find("250-AUTH PLAIN LOGIN\r\n") != std::string::npos);
}

TEST_CASE("STARTTLS forgets what was said in the clear") {
  SmtpSettings settings;
  settings.starttls = true;
  settings.auth = SmtpAuth::offered;
  Conversation talk(settings);
  CHECK(talk.say("EHLO me\r\nMAIL FROM:<a@b>\r\nSTARTTLS\r\nRCPT TO:<injected@x>\r\n") ==
        "250 250 220 <tls>");
  CHECK(talk.all.find("250-STARTTLS\r\n") != std::string::npos);
  CHECK(talk.session.idle());
  CHECK(talk.say("RCPT TO:<c@d>\r\n") == "503");
  talk.all.clear();
  CHECK(talk.say("EHLO me\r\nSTARTTLS\r\n") == "250 503");
  CHECK(talk.all.find("STARTTLS\r\n") == std::string::npos);
}

TEST_CASE("the part of an address before the @ names the receiver") {
  CHECK(local_part("on-call@example.org") == "on-call");
  CHECK(local_part("on-call") == "on-call");
  CHECK(local_part("\"on call\\\"@\"@example.org") == "on call\"@");
  CHECK(local_part("a@b@c") == "a@b");
  CHECK(local_part("@b").empty());
  CHECK(local_part("\"never closed").empty());
}
