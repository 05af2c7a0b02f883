// obsctl serve receiver: the receiver on its own, for a stack's Alertmanager, until SIGTERM. Real webhooks,
// which are secrets, come from environment variables only.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "core/http_client.hpp"
#include "core/http_server.hpp"
#include "core/text.hpp"
#include "verifiers/receiver.hpp"

namespace obsctl::cli {

namespace {

/// As given; durations and addresses are read when the command runs, so that their errors say which flag they
/// are from.
struct ReceiverFlags {
  std::string listen = "127.0.0.1:9099";
  std::vector<std::string> forward;
  std::string forward_timeout = "5s";
  std::string drain_timeout = "5s";
  std::size_t max_body = 8u << 20;
  std::size_t max_notifications = 100'000;
  std::size_t max_bytes = 256u << 20;
  std::string log = "info";
};

struct ReceiverSetup {
  verifiers::ReceiverOptions receiver;
  core::Nanoseconds drain_timeout{};
  core::LogLevel log_level = core::LogLevel::info;
};

/// The environment variable of a flag: --max-body is OBSCTL_RECEIVER_MAX_BODY.
std::string variable_of(std::string_view flag) {
  std::string name = "OBSCTL_RECEIVER";
  for (const char c : flag.substr(1)) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

template <class Value>
CLI::Option* add(CLI::App& command, const std::string& flag, Value& value, const char* type,
                 const char* description) {
  return command.add_option(flag, value, description)
      ->envname(variable_of(flag))
      ->type_name(type)
      ->capture_default_str();
}

core::Error at_flag(std::string_view flag, const core::Error& error) {
  return core::make_error(core::ErrorKind::usage,
                          fmt::format("{} ({}): {}", flag, variable_of(flag), error.message), error.hint);
}

/// The URL in an environment variable. The variable is named in errors, its value never is.
core::Result<verifiers::ForwardRule> rule_from(verifiers::NotificationKind kind, std::string receiver,
                                               const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  const std::string url(core::trimmed(value == nullptr ? "" : value));
  if (url.empty()) {
    return core::make_error(core::ErrorKind::usage,
                            fmt::format("the environment variable {} is not set", variable),
                            "put the real webhook's URL there");
  }
  if (!core::parse_url(url)) {
    return core::make_error(core::ErrorKind::usage,
                            fmt::format("the environment variable {} does not hold a URL", variable));
  }
  return verifiers::ForwardRule{kind, std::move(receiver), url};
}

/// KIND=VARIABLE or KIND/NAME=VARIABLE.
core::Result<verifiers::ForwardRule> parse_forward(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) {
    return core::make_error(core::ErrorKind::usage, fmt::format("\"{}\" names no environment variable", text),
                            "write it as slack=VARIABLE or slack/NAME=VARIABLE");
  }
  const std::string where = text.substr(0, equals);
  const std::size_t slash = where.find('/');
  const auto kind = verifiers::parse_notification_kind(where.substr(0, slash));
  if (!kind) return kind.error();
  return rule_from(*kind, slash == std::string::npos ? "" : where.substr(slash + 1), text.substr(equals + 1));
}

/// What the well-known variables ask for, then the flags, which come first where both speak of the same
/// receiver.
core::Result<std::vector<verifiers::ForwardRule>> forwards_of(const std::vector<std::string>& flags) {
  std::vector<verifiers::ForwardRule> rules;
  for (const std::string& flag : flags) {
    auto rule = parse_forward(flag);
    if (!rule) return at_flag("--forward", rule.error());
    rules.push_back(std::move(*rule));
  }
  for (const auto& [kind, variable] :
       {std::pair{verifiers::NotificationKind::slack, "OBSCTL_SLACK_WEBHOOK_URL"},
        std::pair{verifiers::NotificationKind::discord, "OBSCTL_DISCORD_WEBHOOK_URL"}}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || core::trimmed(value).empty()) continue;
    auto rule = rule_from(kind, "", variable);
    if (!rule) return rule.error();
    const bool given =
        std::any_of(rules.begin(), rules.end(), [&, kind = kind](const verifiers::ForwardRule& one) {
          return one.kind == kind && one.receiver.empty();
        });
    if (!given) rules.push_back(std::move(*rule));
  }
  return rules;
}

core::Result<ReceiverSetup> read_setup(const ReceiverFlags& flags) {
  ReceiverSetup setup;
  const auto listen = core::parse_listen_address(flags.listen);
  if (!listen) return at_flag("--listen", listen.error());
  setup.receiver.address = listen->address;
  setup.receiver.port = listen->port;
  const auto forward_timeout = core::parse_duration(flags.forward_timeout);
  if (!forward_timeout) return at_flag("--forward-timeout", forward_timeout.error());
  if (*forward_timeout == core::Nanoseconds::zero()) {
    return at_flag("--forward-timeout", core::make_error(core::ErrorKind::usage, "must be above 0"));
  }
  setup.receiver.forward_timeout = *forward_timeout;
  const auto drain_timeout = core::parse_duration(flags.drain_timeout);
  if (!drain_timeout) return at_flag("--drain-timeout", drain_timeout.error());
  setup.drain_timeout = *drain_timeout;
  const auto level = core::parse_log_level(flags.log);
  if (!level) return at_flag("--log", level.error());
  setup.log_level = *level;
  auto forwards = forwards_of(flags.forward);
  if (!forwards) return forwards.error();
  setup.receiver.forwards = std::move(*forwards);
  setup.receiver.max_body = flags.max_body;
  setup.receiver.max_notifications = flags.max_notifications;
  setup.receiver.max_bytes = flags.max_bytes;
  return setup;
}

core::Result<int> run_receiver(const ReceiverFlags& flags, Context& context) {
  const auto setup = read_setup(flags);
  if (!setup) return setup.error();
  // The receiver's log is its output: JSON lines on standard output.
  core::Logger log(setup->log_level, core::LogFormat::json, 1);
  const auto receiver = verifiers::Receiver::start(setup->receiver, context.clock, log);
  if (!receiver) return receiver.error();
  log.info("receiving", {{"url", (*receiver)->url()},
                         {"forwards", std::to_string(setup->receiver.forwards.size()), true}});
  while (!context.stop.stop_requested()) context.clock.sleep_for(std::chrono::hours(1), context.stop);
  const bool clean = (*receiver)->drain(setup->drain_timeout);
  log.info("stopped", {{"accepted", std::to_string((*receiver)->counts().accepted), true},
                       {"clean", clean ? "true" : "false", true}});
  return clean ? kPassed : kError;
}

}  // namespace

void add_serve_receiver(CLI::App& serve, CommandLine& line) {
  const auto flags = std::make_shared<ReceiverFlags>();
  CLI::App* command =
      serve.add_subcommand("receiver", "takes Alertmanager's notifications, keeps them raw and shows them");
  command->footer(
      "Notifications go to /webhook/NAME, /slack/NAME and /discord/NAME; what arrived is at / and at\n"
      "/api/v1/notifications. Slack's and Discord's are passed on to $OBSCTL_SLACK_WEBHOOK_URL and\n"
      "$OBSCTL_DISCORD_WEBHOOK_URL where those are set. Every flag has an environment variable; see\n"
      "docs/reference/receiver.md.");
  add(*command, "--listen", flags->listen, "HOST:PORT", "where to listen; port 0 takes a free one");
  add(*command, "--forward", flags->forward, "KIND[/NAME]=VARIABLE",
      "pass these on to the URL in an environment variable; repeat, or use commas")
      ->delimiter(',')
      ->default_str("");
  add(*command, "--forward-timeout", flags->forward_timeout, "DURATION", "for a real webhook to answer");
  add(*command, "--drain-timeout", flags->drain_timeout, "DURATION",
      "after SIGTERM: time for answers in flight");
  add(*command, "--max-body", flags->max_body, "BYTES", "larger notifications are refused");
  add(*command, "--max-notifications", flags->max_notifications, "COUNT", "to keep; the oldest go first");
  add(*command, "--max-bytes", flags->max_bytes, "BYTES", "of bodies to keep; the oldest go first");
  add(*command, "--log", flags->log, "LEVEL", "lines on standard output: debug, info, warn, error or off");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return run_receiver(*flags, context); }; });
}

}  // namespace obsctl::cli
