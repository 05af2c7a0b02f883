// obsctl serve receiver: the receiver on its own, for a stack's Alertmanager, until SIGTERM. Secrets (real
// webhooks, the token) come from environment variables or a file only.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/serve_flags.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/http_server.hpp"
#include "core/text.hpp"
#include "verifiers/receiver.hpp"

namespace obsctl::cli {

namespace {

constexpr ServeFlags kFlags("OBSCTL_RECEIVER");

constexpr const char* kFooter =
    R"(Notifications go to /webhook/NAME, /slack/NAME, /discord/NAME, /pagerduty/NAME, /msteams/NAME and
/generic/NAME, mail to NAME@anything; what arrived is at / and at /api/v1/notifications. Slack's and
Discord's are passed on to $OBSCTL_SLACK_WEBHOOK_URL and $OBSCTL_DISCORD_WEBHOOK_URL where those are set.

A BEHAVIOUR is 500 (or any status from 400 to 599), 429:30s (with Retry-After), slow:2s, hang or close,
with x3 behind it for three deliveries; several happen one after the other. /api/v1/misbehaviour sets
them too; its bearer token comes from --token-file or $OBSCTL_RECEIVER_TOKEN, without one it is locked.

Every flag has an environment variable; see docs/reference/receiver.md.)";

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
  std::string duplicate_within = "30s";
  std::string smtp_listen;
  std::string smtp_auth = "off";
  std::string smtp_certificate;
  std::string smtp_key;
  std::vector<std::string> misbehave;
  std::string token_file;
  std::string log = "info";
};

struct ReceiverSetup {
  verifiers::ReceiverOptions receiver;
  core::Nanoseconds drain_timeout{};
  core::LogLevel log_level = core::LogLevel::info;
};

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
  if (*kind == verifiers::NotificationKind::email) {
    return core::make_error(core::ErrorKind::usage, "mail is not passed on",
                            "the other kinds are, to webhooks");
  }
  return rule_from(*kind, slash == std::string::npos ? "" : where.substr(slash + 1), text.substr(equals + 1));
}

/// What the well-known variables ask for, then the flags, which come first where both speak of the same
/// receiver.
core::Result<std::vector<verifiers::ForwardRule>> forwards_of(const std::vector<std::string>& flags) {
  std::vector<verifiers::ForwardRule> rules;
  for (const std::string& flag : flags) {
    auto rule = parse_forward(flag);
    if (!rule) return kFlags.at_flag("--forward", rule.error());
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

core::Result<verifiers::SmtpAuth> parse_smtp_auth(std::string_view text) {
  if (text == "off") return verifiers::SmtpAuth::off;
  if (text == "offered") return verifiers::SmtpAuth::offered;
  if (text == "required") return verifiers::SmtpAuth::required;
  return core::make_error(core::ErrorKind::usage, fmt::format("\"{}\" is not a way to authenticate", text),
                          "use off, offered or required");
}

/// Nothing where mail is not taken.
core::Result<std::optional<verifiers::ReceiverSmtpOptions>> smtp_of(const ReceiverFlags& flags) {
  if (flags.smtp_listen.empty()) {
    for (const auto& [flag, value] : {std::pair{"--smtp-certificate", &flags.smtp_certificate},
                                      std::pair{"--smtp-key", &flags.smtp_key}}) {
      if (value->empty()) continue;
      return kFlags.at_flag(
          flag, core::make_error(core::ErrorKind::usage, "no mail is taken without --smtp-listen"));
    }
    return std::optional<verifiers::ReceiverSmtpOptions>();
  }
  verifiers::ReceiverSmtpOptions smtp;
  const auto listen = core::parse_listen_address(flags.smtp_listen);
  if (!listen) return kFlags.at_flag("--smtp-listen", listen.error());
  const auto auth = parse_smtp_auth(flags.smtp_auth);
  if (!auth) return kFlags.at_flag("--smtp-auth", auth.error());
  if (flags.smtp_certificate.empty() != flags.smtp_key.empty()) {
    return kFlags.at_flag(
        flags.smtp_key.empty() ? "--smtp-certificate" : "--smtp-key",
        core::make_error(core::ErrorKind::usage, "STARTTLS needs both a certificate and a key"));
  }
  smtp.address = listen->address;
  smtp.port = listen->port;
  smtp.auth = *auth;
  smtp.certificate = flags.smtp_certificate;
  smtp.key = flags.smtp_key;
  return std::optional(std::move(smtp));
}

/// NAME=BEHAVIOUR[,BEHAVIOUR]…
core::Result<std::map<std::string, std::vector<verifiers::Misbehaviour>>> misbehaviours_of(
    const std::vector<std::string>& flags) {
  std::map<std::string, std::vector<verifiers::Misbehaviour>> all;
  for (const std::string& flag : flags) {
    const std::size_t equals = flag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return kFlags.at_flag("--misbehave", core::make_error(core::ErrorKind::usage,
                                                            fmt::format("\"{}\" names no receiver", flag),
                                                            "write it as NAME=500x2,slow:2s"));
    }
    auto steps = verifiers::parse_misbehaviours(std::string_view(flag).substr(equals + 1));
    if (!steps) return kFlags.at_flag("--misbehave", steps.error());
    if (!all.emplace(flag.substr(0, equals), std::move(*steps)).second) {
      return kFlags.at_flag(
          "--misbehave",
          core::make_error(core::ErrorKind::usage,
                           fmt::format("the receiver \"{}\" is given twice", flag.substr(0, equals)),
                           "write its behaviours one after the other, separated by commas"));
    }
  }
  return all;
}

core::Result<ReceiverSetup> read_setup(const ReceiverFlags& flags) {
  ReceiverSetup setup;
  verifiers::ReceiverOptions& receiver = setup.receiver;
  core::ListenAddress listen;
  FlagReader reader(kFlags);
  reader.take("--listen", core::parse_listen_address(flags.listen), listen);
  reader.positive_duration("--forward-timeout", flags.forward_timeout, receiver.forward_timeout);
  reader.take("--drain-timeout", core::parse_duration(flags.drain_timeout), setup.drain_timeout);
  reader.take("--duplicate-within", core::parse_duration(flags.duplicate_within), receiver.duplicate_within);
  reader.take("--log", core::parse_log_level(flags.log), setup.log_level);
  reader.take("--token-file", kFlags.read_token(flags.token_file), receiver.token);
  reader.take(smtp_of(flags), receiver.smtp);
  reader.take(misbehaviours_of(flags.misbehave), receiver.misbehaviours);
  reader.take(forwards_of(flags.forward), receiver.forwards);
  if (reader.error()) return *reader.error();
  receiver.address = listen.address;
  receiver.port = listen.port;
  receiver.max_body = flags.max_body;
  receiver.max_notifications = flags.max_notifications;
  receiver.max_bytes = flags.max_bytes;
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
                         {"smarthost", (*receiver)->smarthost()},
                         {"forwards", std::to_string(setup->receiver.forwards.size()), true}});
  while (!context.stop.stop_requested()) context.clock.sleep_for(std::chrono::hours(1), context.stop);
  const bool clean = (*receiver)->drain(setup->drain_timeout);
  const auto counts = (*receiver)->counts();
  log.info("stopped", {{"accepted", std::to_string(counts.accepted), true},
                       {"refused", std::to_string(counts.refused), true},
                       {"clean", clean ? "true" : "false", true}});
  return clean ? kPassed : kError;
}

void add_mail_and_misbehaviour(CLI::App& command, ReceiverFlags& flags) {
  kFlags.add(command, "--duplicate-within", flags.duplicate_within, "DURATION",
             "the same again is a duplicate so soon, a repeat later");
  kFlags.add(command, "--smtp-listen", flags.smtp_listen, "HOST:PORT",
             "take mail there; port 0 takes a free one");
  kFlags.add(command, "--smtp-auth", flags.smtp_auth, "MODE",
             "of mail, with any credentials: off, offered or required");
  kFlags.add(command, "--smtp-certificate", flags.smtp_certificate, "FILE",
             "offer STARTTLS with this chain (PEM)");
  kFlags.add(command, "--smtp-key", flags.smtp_key, "FILE", "its private key (PEM)");
  kFlags
      .add(command, "--misbehave", flags.misbehave, "NAME=BEHAVIOUR[,BEHAVIOUR]",
           "let the next deliveries to a receiver go wrong; repeat, or use semicolons")
      ->delimiter(';')
      ->default_str("");
  kFlags.add(command, "--token-file", flags.token_file, "FILE",
             "its first line is the token of the misbehaviour API");
}

}  // namespace

void add_serve_receiver(CLI::App& serve, CommandLine& line) {
  const auto flags = std::make_shared<ReceiverFlags>();
  CLI::App* command =
      serve.add_subcommand("receiver", "takes Alertmanager's notifications, keeps them raw and shows them");
  command->footer(kFooter);
  kFlags.add(*command, "--listen", flags->listen, "HOST:PORT", "where to listen; port 0 takes a free one");
  kFlags
      .add(*command, "--forward", flags->forward, "KIND[/NAME]=VARIABLE",
           "pass these on to the URL in an environment variable; repeat, or use commas")
      ->delimiter(',')
      ->default_str("");
  kFlags.add(*command, "--forward-timeout", flags->forward_timeout, "DURATION",
             "for a real webhook to answer");
  kFlags.add(*command, "--drain-timeout", flags->drain_timeout, "DURATION",
             "after SIGTERM: time for answers in flight");
  kFlags.add(*command, "--max-body", flags->max_body, "BYTES", "larger notifications are refused");
  kFlags.add(*command, "--max-notifications", flags->max_notifications, "COUNT",
             "to keep; the oldest go first");
  kFlags.add(*command, "--max-bytes", flags->max_bytes, "BYTES", "of bodies to keep; the oldest go first");
  add_mail_and_misbehaviour(*command, *flags);
  kFlags.add(*command, "--log", flags->log, "LEVEL",
             "lines on standard output: debug, info, warn, error or off");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return run_receiver(*flags, context); }; });
}

}  // namespace obsctl::cli
