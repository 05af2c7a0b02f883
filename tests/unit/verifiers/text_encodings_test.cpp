// Character sets, base64, quoted-printable and encoded words, from well-formed to hostile.
#include "verifiers/text_encodings.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl::verifiers;

TEST_CASE("UTF-8 is told from what resembles it") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("Störung – 31% 🔥"));
  CHECK(is_utf8("\xF4\x8F\xBF\xBF"));  // U+10FFFF
  const std::string bad =
      GENERATE(as<std::string>(), "\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
               "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "a\xFF", "\xE2\x82");
  CAPTURE(bad);
  CHECK_FALSE(is_utf8(bad));
  CHECK(is_utf8(to_utf8("utf-8", bad)));
}

TEST_CASE("text of older character sets becomes UTF-8, and what cannot be read is marked") {
  CHECK(to_utf8("ISO-8859-1", "St\xF6rung") == "Störung");
  CHECK(to_utf8("iso-8859-15", "5 \xA4") == "5 €");
  CHECK(to_utf8("windows-1252", "\x80 \x93x\x94 \x81") == "€ “x” \xEF\xBF\xBD");
  CHECK(to_utf8("", "Störung") == "Störung");
  CHECK(to_utf8("us-ascii", "plain") == "plain");
  CHECK(to_utf8("shift_jis", "a\x83") == "a\xEF\xBF\xBD");
  CHECK(to_utf8("utf-8", "a\xFF\xC3\xB6") == "a\xEF\xBF\xBDö");
}

TEST_CASE("code points are written as UTF-8") {
  std::string text;
  for (const char32_t point : {0x41U, 0xF6U, 0x2013U, 0x1F525U, 0xD800U, 0x110000U}) append_utf8(text, point);
  CHECK(text == "Aö–🔥\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("base64 is written and read back") {
  const auto [bytes, text] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                       {"f", "Zg=="},
                                                                       {"fo", "Zm8="},
                                                                       {"foo", "Zm9v"},
                                                                       {"foob", "Zm9vYg=="},
                                                                       {"\xFF\xFE\xFD", "//79"}}));
  CHECK(base64_encoded(bytes) == text);
  CHECK(base64_decoded(text) == bytes);
  CHECK(base64_decoded_leniently(text) == bytes);
}

TEST_CASE("base64 that is none is refused, or read as mail has to") {
  const std::string text = GENERATE("Zg=", "Zg", "Z", "Zm9v!", "Z===", "Zm9v\r\n", "====");
  CAPTURE(text);
  CHECK_FALSE(base64_decoded(text));
  CHECK(base64_decoded_leniently("Zm9\r\nv!Y\tmFy") == "foobar");
  CHECK(base64_decoded_leniently("Zg") == "f");
}

TEST_CASE("quoted-printable is read, and what is no escape stays") {
  CHECK(quoted_printable_decoded("alertname =3D High=C3=B6") == "alertname = Highö");
  CHECK(quoted_printable_decoded("a line that goes =\r\non") == "a line that goes on");
  CHECK(quoted_printable_decoded("white space before=  \t\nthe end") == "white space beforethe end");
  CHECK(quoted_printable_decoded("100 =% =4 =") == "100 =% =4 =");
  CHECK(quoted_printable_decoded("=3d=3D") == "==");
}

TEST_CASE("encoded words in a header are read") {
  const auto [header, text] = GENERATE(table<std::string, std::string>({
      {"[FIRING:1] plain", "[FIRING:1] plain"},
      {"=?utf-8?q?FIRING:_High_=E2=80=94_=C3=9Cbersicht?=", "FIRING: High — Übersicht"},
      {"=?UTF-8?B?U3TDtnJ1bmc=?= now", "Störung now"},
      {"=?iso-8859-1?Q?St=F6rung?=", "Störung"},
      {"Re: =?utf-8*de?q?x=3Fy?=", "Re: x?y"},
      // Cut inside a character, and with the white space between words that is not shown.
      {"=?utf-8?q?St=C3?= \r\n =?utf-8?q?=B6rung?=", "Störung"},
      {"=?utf-8?q?a?= =?iso-8859-1?q?=F6?= b", "aö b"},
      // Not encoded words.
      {"=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
      {"=?utf-8?q?a b?=", "=?utf-8?q?a b?="},
      {"=?utf-8?q?never ends", "=?utf-8?q?never ends"},
      {"a =? b", "a =? b"},
      {"=?", "=?"},
  }));
  CAPTURE(header);
  CHECK(decoded_header(header) == text);
}

TEST_CASE("a hostile header costs no more than its length") {
  std::string words;
  while (words.size() < 1'000'000) words += "=?u?q?x";
  CHECK(decoded_header(words).size() == words.size());
}
