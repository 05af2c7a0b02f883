// What text from outside becomes in HTML and XML.
#include "core/markup.hpp"

#include "tests/support/catch.hpp"

using obsctl::core::escape_markup;

TEST_CASE("text from outside stays text in HTML and XML") {
  const auto [text, wanted] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"plain, Grün ✓", "plain, Grün ✓"},
      {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
      {"a=\"b\" & c", "a=&quot;b&quot; &amp; c"},
      {"&lt;", "&amp;lt;"},
      {"one\ntwo\tthree\r", "one\ntwo\tthree\r"},
      {std::string("a\0b\x1b[31m", 7), "a b [31"},
      {"a\xEF\xBF\xBF b\xEF\xBF\xBE", "a\xEF\xBF\xBD b\xEF\xBF\xBD"},
      {"\xEF\xBC\x81", "\xEF\xBC\x81"},
      {"\xEF", "\xEF"},
  }));
  CAPTURE(text);
  CHECK(escape_markup(text) == wanted);
}
