// obsctl serve receiver: its flags and variables, what it says about wrong ones, and that it ends as it
// should.
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/serving.hpp"

using namespace obsctl;
using tests::message_of;

namespace {

core::Result<int> serve(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"receiver", "--listen", "127.0.0.1:0", "--log", "off"});
  return tests::serve(std::move(arguments));
}

}  // namespace

TEST_CASE("a receiver that is told to stop ends with 0") {
  CHECK(message_of(serve({})) == "no error");
  CHECK(message_of(serve({"--smtp-listen", "127.0.0.1:0", "--smtp-auth", "required", "--misbehave",
                          "a=500x2,slow:2s;b=hang", "--misbehave", "c=close"})) == "no error");
}

TEST_CASE("a wrong flag of serve receiver is named with its variable") {
  const auto [arguments, message] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"--duplicate-within", "soon"},
       "--duplicate-within (OBSCTL_RECEIVER_DUPLICATE_WITHIN): \"soon\" is not a duration: a number was "
       "expected\n"
       "  hint: write a number and a unit, such as 250ms, 30s or 1m30s"},
      {{"--forward-timeout", "0s"}, "--forward-timeout (OBSCTL_RECEIVER_FORWARD_TIMEOUT): must be above 0"},
      {{"--smtp-listen", "1:2:3"},
       "--smtp-listen (OBSCTL_RECEIVER_SMTP_LISTEN): \"1:2:3\" is not an address to listen on: an IPv6 "
       "address needs "
       "brackets\n  hint: write it as 127.0.0.1:8080, [::1]:8080 or :8080"},
      {{"--smtp-listen", ":0", "--smtp-auth", "maybe"},
       "--smtp-auth (OBSCTL_RECEIVER_SMTP_AUTH): \"maybe\" is not a way to authenticate\n"
       "  hint: use off, offered or required"},
      {{"--smtp-key", "k.pem"},
       "--smtp-key (OBSCTL_RECEIVER_SMTP_KEY): no mail is taken without --smtp-listen"},
      {{"--smtp-listen", ":0", "--smtp-key", "k.pem"},
       "--smtp-key (OBSCTL_RECEIVER_SMTP_KEY): STARTTLS needs both a certificate and a key"},
      {{"--misbehave", "500"},
       "--misbehave (OBSCTL_RECEIVER_MISBEHAVE): \"500\" names no receiver\n"
       "  hint: write it as NAME=500x2,slow:2s"},
      {{"--misbehave", "a=500,hang"},
       "--misbehave (OBSCTL_RECEIVER_MISBEHAVE): \"hang\" is never reached: \"500\" happens to every "
       "delivery\n"
       "  hint: give the first one a count, such as \"500x2\""},
      {{"--misbehave", "a=500", "--misbehave", "a=hang"},
       "--misbehave (OBSCTL_RECEIVER_MISBEHAVE): the receiver \"a\" is given twice\n"
       "  hint: write its behaviours one after the other, separated by commas"},
      {{"--token-file", "/nowhere/token"},
       "--token-file (OBSCTL_RECEIVER_TOKEN_FILE): cannot read /nowhere/token: No such file or directory"},
      {{"--forward", "slack"},
       "--forward (OBSCTL_RECEIVER_FORWARD): \"slack\" names no environment variable\n"
       "  hint: write it as slack=VARIABLE or slack/NAME=VARIABLE"},
      {{"--forward", "fax=X"},
       "--forward (OBSCTL_RECEIVER_FORWARD): \"fax\" is not a kind of notification\n"
       "  hint: the kinds are webhook, slack, discord, pagerduty, msteams, generic and email"},
      {{"--forward", "email=X"},
       "--forward (OBSCTL_RECEIVER_FORWARD): mail is not passed on\n"
       "  hint: the other kinds are, to webhooks"},
  }));
  CAPTURE(arguments);
  CHECK(message_of(serve(arguments)) == message);
}
