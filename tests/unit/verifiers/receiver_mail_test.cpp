// Mail to a receiver over real connections: taken, secured, refused on request, cut off, too large, too slow.
#include <future>
#include <thread>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mail_sender.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/temporary_directory.hpp"
#include "verifiers/receiver.hpp"
#include "verifiers/receiver_client.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::test::RawClient;
using obsctl::tests::MailOutcome;
using obsctl::tests::MailToSend;
using obsctl::tests::make_certificate;
using obsctl::tests::send_mail;
using obsctl::tests::TemporaryDirectory;

namespace {

const std::string kMail = "Subject: [FIRING:1] High\r\nTo: x@y\r\n\r\n..two dots\r\n.\r\nbody\r\n";
const std::string kTransaction = "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<on-call@d>\r\nDATA\r\n";

struct Fixture {
  explicit Fixture(const ReceiverSmtpOptions& smtp = {}, const std::string& misbehaviours = "",
                   std::size_t max_body = 8u << 20) {
    ReceiverOptions options;
    options.smtp = smtp;
    options.max_body = max_body;
    if (!misbehaviours.empty()) options.misbehaviours["on-call"] = parse_misbehaviours(misbehaviours).value();
    auto started = Receiver::start(options, clock, log);
    REQUIRE(started);
    receiver = std::move(*started);
  }
  std::uint16_t port() const {
    return static_cast<std::uint16_t>(
        std::stoi(receiver->smarthost().substr(receiver->smarthost().rfind(':') + 1)));
  }
  MailOutcome send(const std::string& data = kMail) {
    return send_mail({.smarthost = receiver->smarthost(), .data = data});
  }
  std::vector<Notification> wait(std::size_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (receiver->after(0).size() < count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(5ms);
    }
    return receiver->after(0);
  }

  obsctl::core::SystemClock clock;
  obsctl::core::Logger log{obsctl::core::LogLevel::off};
  std::unique_ptr<Receiver> receiver;
};

}  // namespace

TEST_CASE("a mail becomes a notification of the receiver that its first recipient names") {
  Fixture fixture;
  const MailOutcome sent = send_mail({.smarthost = fixture.receiver->smarthost(),
                                      .from = "am@example.org",
                                      .to = {"on-call@example.org", "other@example.org"},
                                      .data = kMail});
  CHECK(sent.code == CURLE_OK);
  CHECK(sent.reply == 250);
  const auto kept = fixture.receiver->after(0);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].kind == NotificationKind::email);
  CHECK(kept[0].receiver == "on-call");
  CHECK(kept[0].sender == "am@example.org");
  CHECK(kept[0].recipients == std::vector<std::string>{"on-call@example.org", "other@example.org"});
  CHECK(kept[0].status == NotifiedStatus::firing);
  CHECK(kept[0].raw == kMail);
  CHECK(fixture.receiver->url_for(NotificationKind::email, "on call") ==
        "smtp://" + fixture.receiver->smarthost() + "/on%20call");
}

TEST_CASE("a receiver without mail says so") {
  obsctl::core::SystemClock clock;
  obsctl::core::Logger log{obsctl::core::LogLevel::off};
  const auto receiver = Receiver::start({}, clock, log);
  REQUIRE(receiver);
  CHECK((*receiver)->smarthost().empty());
  CHECK((*receiver)->url_for(NotificationKind::email, "a").empty());
  obsctl::core::HttpClient http;
  CHECK(http.call({.method = "POST", .url = (*receiver)->url() + "/email/a", .body = "x"})->status == 404);
}

TEST_CASE("a client that polls is woken by a mail") {
  Fixture fixture;
  ReceiverClient client(fixture.receiver->url());
  auto waiting = std::async(std::launch::async, [&] { return client.next(0, 10s); });
  std::this_thread::sleep_for(20ms);
  const auto begin = std::chrono::steady_clock::now();
  fixture.send();
  const auto found = waiting.get();
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->at(0).raw == kMail);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("mail is taken over STARTTLS, with credentials where they are asked for") {
  const TemporaryDirectory directory;
  make_certificate(directory / "certificate.pem", directory / "key.pem");
  ReceiverSmtpOptions smtp;
  smtp.certificate = (directory / "certificate.pem").string();
  smtp.key = (directory / "key.pem").string();
  smtp.auth = GENERATE(SmtpAuth::off, SmtpAuth::required);
  Fixture fixture(smtp);
  MailToSend mail{.smarthost = fixture.receiver->smarthost(), .data = kMail, .ca_file = smtp.certificate};
  if (smtp.auth == SmtpAuth::required) {
    CHECK(send_mail(mail).code != CURLE_OK);
    mail.user = "user";
    mail.password = "password";
  }
  const std::string large = kMail + std::string(1u << 20, 'x') + "\r\n";
  CHECK(send_mail(mail).code == CURLE_OK);
  mail.data = large;
  CHECK(send_mail(mail).code == CURLE_OK);
  const auto kept = fixture.receiver->after(0);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].raw == kMail);
  CHECK(kept[1].raw == large);
}

TEST_CASE("what is sent in the clear behind STARTTLS is never used") {
  const TemporaryDirectory directory;
  make_certificate(directory / "certificate.pem", directory / "key.pem");
  ReceiverSmtpOptions smtp;
  smtp.certificate = (directory / "certificate.pem").string();
  smtp.key = (directory / "key.pem").string();
  Fixture fixture(smtp);
  RawClient client(fixture.port());
  REQUIRE(client.send("EHLO me\r\nSTARTTLS\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n"));
  const std::string replies = client.until_closed();
  CHECK(replies.ends_with("220 2.0.0 go ahead\r\n"));
  CHECK(fixture.receiver->after(0).empty());
}

TEST_CASE("a certificate that cannot be used is refused at the start") {
  const TemporaryDirectory directory;
  make_certificate(directory / "certificate.pem", directory / "key.pem");
  make_certificate(directory / "other.pem", directory / "other-key.pem");
  REQUIRE(obsctl::core::write_file(directory / "junk.pem", "junk"));
  const auto start = [&](const std::string& certificate, const std::string& key) {
    ReceiverOptions options;
    options.smtp.emplace();
    options.smtp->certificate = certificate.empty() ? "" : (directory / certificate).string();
    options.smtp->key = key.empty() ? "" : (directory / key).string();
    obsctl::core::SystemClock clock;
    obsctl::core::Logger log{obsctl::core::LogLevel::off};
    const auto started = Receiver::start(options, clock, log);
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == ErrorKind::invalid_input);
    return started.error().message;
  };
  const std::string folder = directory.path().string() + "/";
  CHECK(start("certificate.pem", "") == "STARTTLS needs both a certificate and a key");
  CHECK(
      start("missing.pem", "key.pem").starts_with("cannot use the certificate " + folder + "missing.pem: "));
  CHECK(start("junk.pem", "key.pem").starts_with("cannot use the certificate " + folder + "junk.pem: "));
  CHECK(start("certificate.pem", "junk.pem").starts_with("cannot use the key " + folder + "junk.pem: "));
  CHECK(start("certificate.pem", "other-key.pem")
            .starts_with("cannot use the key " + folder + "other-key.pem: "));
}

TEST_CASE("an address that cannot be listened on is named") {
  Fixture fixture;
  ReceiverOptions options;
  options.smtp = ReceiverSmtpOptions{.port = fixture.port()};
  obsctl::core::SystemClock clock;
  obsctl::core::Logger log{obsctl::core::LogLevel::off};
  const auto busy = Receiver::start(options, clock, log);
  REQUIRE_FALSE(busy);
  CHECK(busy.error().kind == ErrorKind::unavailable);
  CHECK(busy.error().message ==
        fmt::format("cannot listen on 127.0.0.1:{} for mail: Address already in use", fixture.port()));
  options.smtp = ReceiverSmtpOptions{.address = "nowhere"};
  const auto wrong = Receiver::start(options, clock, log);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == "\"nowhere\" is not an address to listen on");
}

TEST_CASE("mail that is too large is refused with 552 and not kept") {
  Fixture fixture({}, "", 1000);
  const MailOutcome sent = fixture.send("Subject: x\r\n\r\n" + std::string(1000, 'x') + "\r\n");
  CHECK(sent.code != CURLE_OK);
  RawClient client(fixture.port());
  REQUIRE(client.send(kTransaction + std::string(1500, 'x') + "\r\n.\r\nQUIT\r\n"));
  CHECK(client.until_closed().ends_with("552 5.3.4 the message is too large\r\n221 2.0.0 goodbye\r\n"));
  CHECK(fixture.receiver->after(0).empty());
  CHECK(fixture.send("Subject: small\r\n\r\n").code == CURLE_OK);
}

TEST_CASE("a receiver of mail misbehaves on request, and records what it refused") {
  SECTION("a status is the reply's code") {
    Fixture fixture({}, "451x1,554x1");
    RawClient client(fixture.port());
    REQUIRE(client.send(kTransaction + "a\r\n.\r\n" + kTransaction + "a\r\n.\r\n" + kTransaction +
                        "a\r\n.\r\nQUIT\r\n"));
    const std::string replies = client.until_closed();
    CHECK(replies.find("451 4.3.0 refused as told, try again\r\n") != std::string::npos);
    CHECK(replies.find("554 5.3.0 refused as told\r\n") != std::string::npos);
    const auto kept = fixture.receiver->after(0);
    REQUIRE(kept.size() == 3);
    CHECK(kept[0].refused);
    CHECK(kept[0].answer == 451);
    CHECK(kept[1].answer == 554);
    CHECK(kept[1].recurrence == Recurrence::retry);
    CHECK_FALSE(kept[2].refused);
    CHECK(kept[2].recurrence_of == 2);
  }
  SECTION("slow") {
    Fixture fixture({}, "slow:150ms");
    const auto begin = std::chrono::steady_clock::now();
    CHECK(fixture.send().code == CURLE_OK);
    CHECK(std::chrono::steady_clock::now() - begin >= 150ms);
    REQUIRE(fixture.receiver->after(0).size() == 1);
    CHECK_FALSE(fixture.receiver->after(0)[0].refused);
  }
  SECTION("slow, and the sender leaves") {
    Fixture fixture({}, "slow:10s");
    RawClient client(fixture.port());
    REQUIRE(client.send(kTransaction + "a\r\n.\r\n"));
    std::this_thread::sleep_for(50ms);
    CHECK(fixture.receiver->after(0).empty());
    client.close();
    const auto kept = fixture.wait(1);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].refused);
    CHECK(kept[0].misbehaviour == "slow:10s");
  }
  SECTION("hang, until the receiver is drained") {
    Fixture fixture({}, "hang");
    RawClient client(fixture.port());
    REQUIRE(client.send(kTransaction + "a\r\n.\r\n"));
    const auto kept = fixture.wait(1);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].refused);
    CHECK(kept[0].answer == 0);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(fixture.receiver->drain(5s));
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
    CHECK(client.until_closed().ends_with("354 end with a dot on a line of its own\r\n"));
  }
  SECTION("close") {
    Fixture fixture({}, "close");
    RawClient client(fixture.port());
    REQUIRE(client.send(kTransaction + "a\r\n.\r\n"));
    client.until_closed();
    CHECK(client.was_reset());
    CHECK(fixture.receiver->after(0).at(0).refused);
  }
}

TEST_CASE("a client that says nothing is let go") {
  ReceiverSmtpOptions smtp;
  smtp.timeout = 100ms;
  Fixture fixture(smtp);
  SECTION("from the beginning") {
    RawClient client(fixture.port());
    CHECK(client.until_closed() == "220 obsctl ESMTP\r\n");
  }
  SECTION("in a mail") {
    RawClient client(fixture.port());
    REQUIRE(client.send(kTransaction + "never ends"));
    client.until_closed();
  }
  SECTION("or a byte now and then") {
    RawClient client(fixture.port());
    const auto begin = std::chrono::steady_clock::now();
    while (client.send("x") && std::chrono::steady_clock::now() - begin < 8s)
      std::this_thread::sleep_for(20ms);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
  }
  CHECK(fixture.receiver->after(0).empty());
}

TEST_CASE("draining lets a mail in flight finish and sends the others away") {
  Fixture fixture;
  RawClient idle(fixture.port()), busy(fixture.port());
  REQUIRE(idle.send("EHLO me\r\n"));
  REQUIRE(busy.send(kTransaction + "half of it\r\n"));
  std::this_thread::sleep_for(50ms);
  auto draining = std::async(std::launch::async, [&] { return fixture.receiver->drain(5s); });
  CHECK(idle.until_closed().ends_with("421 4.3.2 the receiver is being stopped\r\n"));
  REQUIRE(busy.send("and the rest\r\n.\r\n"));
  CHECK(busy.until_closed().ends_with("250 2.0.0 taken\r\n"));
  CHECK(draining.get());
  CHECK(fixture.receiver->after(0).at(0).raw == "half of it\r\nand the rest\r\n");
}

TEST_CASE("draining cuts off a mail that does not end") {
  Fixture fixture;
  RawClient client(fixture.port());
  REQUIRE(client.send(kTransaction + "half of it\r\n"));
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE(fixture.receiver->drain(50ms));
  client.until_closed();
}

TEST_CASE("a thousand mails from slow and fast clients are all kept, in one order") {
  Fixture fixture;
  constexpr int senders = 10, each = 100;
  std::vector<std::future<int>> running;
  for (int sender = 0; sender < senders; ++sender) {
    running.push_back(std::async(std::launch::async, [port = fixture.port(), sender] {
      RawClient client(port);
      const std::string mail = kTransaction + "Subject: x\r\n\r\nbody\r\n.\r\n";
      for (int i = 0; i < each; ++i) {
        // Every fifth sender dribbles.
        for (std::size_t at = 0; at < mail.size(); at += sender % 5 == 0 ? 40 : mail.size()) {
          if (!client.send(std::string_view(mail).substr(at, sender % 5 == 0 ? 40 : mail.size()))) return i;
        }
      }
      if (!client.send("QUIT\r\n")) return 0;
      const std::string replies = client.until_closed(20s);
      int taken = 0;
      for (std::size_t at = replies.find("250 2.0.0 taken"); at != std::string::npos;
           at = replies.find("250 2.0.0 taken", at + 1)) {
        ++taken;
      }
      return taken;
    }));
  }
  int taken = 0;
  for (auto& one : running) taken += one.get();
  CHECK(taken == senders * each);
  const auto kept = fixture.receiver->after(0);
  REQUIRE(kept.size() == senders * each);
  for (std::size_t i = 0; i < kept.size(); ++i) REQUIRE(kept[i].sequence == i + 1);
}
