// Emails in all their forms, and the HTML in them.
#include "verifiers/mail_message.hpp"

#include "tests/support/catch.hpp"
#include "verifiers/html_text.hpp"

using namespace obsctl::verifiers;

TEST_CASE("a plain message is read with its headers") {
  const MailMessage mail = read_mail(
      "Subject: =?utf-8?q?St=C3=B6rung?=\r\n"
      " again\r\n"
      "FROM: \"The, Pager\" <pager@example.org>\r\n"
      "To: On Call <on-call@example.org>,\r\n"
      "\t\"x, y\" <two@example.org>, three@example.org\r\n"
      "\r\n"
      "It burns.\r\n"
      "Subject: not this one\r\n");
  CHECK(mail.subject == "Störung again");
  CHECK(mail.from == "\"The, Pager\" <pager@example.org>");
  CHECK(bare_address(mail.from) == "pager@example.org");
  CHECK(mail.to == std::vector<std::string>{"on-call@example.org", "two@example.org", "three@example.org"});
  CHECK(mail.text == "It burns.\nSubject: not this one\n");
  CHECK(mail.html.empty());
}

TEST_CASE("the parts of a multipart message are decoded each in its own way") {
  const std::string ends = GENERATE("\r\n", "\n");
  std::string message;
  for (const char* line : {"Content-Type: multipart/mixed; charset=x; boundary=\"outer b;\"",
                           "",
                           "preamble, left out",
                           "--outer b;",
                           "Content-Type: multipart/alternative;  boundary=inner",
                           "",
                           "--inner",
                           "Content-Transfer-Encoding: quoted-printable",
                           "Content-Type: text/plain; charset=UTF-8",
                           "",
                           "alertname =3D High=C3=",
                           "=B6",
                           "--inner",
                           "Content-Transfer-Encoding: Base64",
                           "Content-Type: TEXT/HTML; charset=\"iso-8859-1\"",
                           "",
                           "PGI+U3T2",
                           "cnVuZzwvYj4=",
                           "--inner--",
                           "between, left out",
                           "--outer b;",
                           "Content-Type: text/plain",
                           "Content-Disposition: attachment; filename=x.txt",
                           "",
                           "attached",
                           "--outer b;",
                           "Content-Type: application/pdf",
                           "",
                           "%PDF",
                           "--outer b;",
                           "",
                           "no type is plain text",
                           "--outer b;--",
                           "epilogue, left out"}) {
    message += line + ends;
  }
  const MailMessage mail = read_mail(message);
  CHECK(mail.text == "alertname = Highö\nno type is plain text");
  CHECK(mail.html == "<b>Störung</b>");
}

TEST_CASE("a message that is cut off, or none, is read as far as it goes") {
  CHECK(read_mail("").text.empty());
  CHECK(read_mail("no headers at all").text.empty());
  CHECK(read_mail("\nonly a body").text == "only a body");
  CHECK(read_mail("Content-Type: multipart/mixed; boundary=x\n\n--x\n\ncut").text == "cut");
  CHECK(read_mail("Content-Type: multipart/mixed\n\n--x\n\ntext\n--x--").text.empty());
  CHECK(read_mail("Content-Type: text/plain; charset\n\ntext").text == "text");
}

TEST_CASE("hostile messages are survived in time") {
  SECTION("parts in parts in parts") {
    std::string message;
    for (int i = 0; i < 20'000; ++i) message += "Content-Type: multipart/mixed; boundary=x\n\n--x\n";
    CHECK(read_mail(message).text.empty());
  }
  SECTION("more parts than anybody sends") {
    std::string message = "Content-Type: multipart/mixed; boundary=x\n\n";
    for (int i = 0; i < 100'000; ++i) message += "--x\n\na\n";
    CHECK(read_mail(message).text.size() <= 200);
  }
  SECTION("headers without end") {
    std::string message;
    for (int i = 0; i < 100'000; ++i) message += "A: b\n";
    CHECK(read_mail(message + "\nbody").text == "body");
  }
}

TEST_CASE("HTML is read as a person reads it") {
  const auto [html, text] = GENERATE(table<std::string, std::string>({
      {"plain", "plain"},
      {"<p>one</p>\n  <p>two  three\n four</p>", "one\ntwo three four\n"},
      {"<td>a = b<br style=\"x\">c = d<br/></td>", "a = b\nc = d\n"},
      {"<strong>Labels</strong><br>", "Labels\n"},
      {"&lt;3 &amp; &quot;x&quot; &#39;y&#x27; &nbsp;z &unknown; &", "<3 & \"x\" 'y'  z &unknown; &"},
      {"<a class=x href=\"http://p/?a=1&amp;b=2\">Source</a>", "Source <http://p/?a=1&b=2>"},
      {"<head><title>T</title></head><style>b{}</style><script>if (a<b) {}</script>x", "x"},
      {"a<!-- <b>hidden</b> -->b", "ab"},
      {"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"},
      {"&#128293; St&#246;rung", "🔥 Störung"},
      {"<p never closed", ""},
      {"<!-- never closed", ""},
      {"<script>never closed", ""},
      {"<a href=\"<b>\">x</a>", "\">x"},
  }));
  CAPTURE(html);
  CHECK(html_to_text(html) == text);
}
