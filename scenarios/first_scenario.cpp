#include "scenarios/first_scenario.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "verifiers/rule_shape.hpp"
#include "verifiers/rule_timing.hpp"

namespace obsctl::scenarios {

namespace {

using verifiers::RuleShape;

/// As TOML writes it, in double quotes.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// The part of a condition that a fault is chosen by: of several, the first that says how it is tripped.
const RuleShape& leading(const RuleShape& shape) {
  for (const RuleShape& condition : shape.conditions) {
    const RuleShape& found = leading(condition);
    if (found.kind != RuleShape::Kind::unknown) return found;
  }
  return shape;
}

bool selects(const RuleShape& shape, std::string_view metric) {
  return std::any_of(shape.selectors.begin(), shape.selectors.end(),
                     [&](const RuleShape::Selector& selector) { return selector.metric == metric; });
}

/// Well beyond the threshold, so that neither chance nor other traffic keeps the rule from firing.
double error_fraction(const RuleShape& shape) {
  const double needed = shape.falls_below ? 1 - shape.threshold : shape.threshold;
  return std::clamp(std::max(3 * needed, needed + 0.2), 0.01, 1.0);
}

struct FirstFault {
  std::string lines;
  std::string doubt;  ///< what a person has to look at; empty: nothing
};

FirstFault fault_for(const RuleShape& shape, const FirstPlaces& places) {
  switch (shape.kind) {
    case RuleShape::Kind::ratio:
      return {fmt::format("kind = \"error-rate\"\nrate = {:.2g}\n", error_fraction(shape)), ""};
    case RuleShape::Kind::quantile:
      return {fmt::format("kind = \"latency\"\ndelay = \"{}ms\"\n",
                          std::max<std::int64_t>(100, std::llround(2000 * shape.latency))),
              ""};
    case RuleShape::Kind::instant:
      if (selects(shape, "probe_success")) return {"kind = \"readiness\"\n", ""};
      if (!places.stack.empty()) return {"kind = \"kill\"\n", ""};
      return {"kind = \"readiness\"\n",
              "obsctl can only kill what it runs itself: choose a fault that makes the expression true"};
    default:
      return {"kind = \"error-rate\"\nrate = 0.5\n",
              "the expression does not say what makes it true: choose the fault that does"};
  }
}

std::string places_text(const FirstPlaces& places, bool notified) {
  if (!places.stack.empty()) return fmt::format("stack = {}\n", quoted(places.stack));
  std::string text = fmt::format("\n[prometheus]\nurl = {}\n", quoted(places.prometheus_url));
  if (!places.alertmanager_url.empty())
    text += fmt::format("\n[alertmanager]\nurl = {}\n", quoted(places.alertmanager_url));
  if (notified) {
    text += fmt::format(
        "\n# Alertmanager has to notify this address: http://{}/webhook/NAME, /slack/NAME, "
        "…\n[receiver]\nlisten = {}\n",
        places.receiver_listen, quoted(places.receiver_listen));
  }
  return text + fmt::format("\n[target.{}]\nurl = {}\n", places.target, quoted(places.target_url));
}

bool has_send_resolved(const Situation& situation, const std::string& receiver) {
  const verifiers::ReceiverConfig* config = situation.alertmanager->receiver(receiver);
  return config == nullptr || config->sends_resolved();
}

}  // namespace

std::string first_scenario(const verifiers::Rule& rule, const Situation& situation,
                           const FirstPlaces& places) {
  const RuleShape whole = verifiers::recognise_rule(rule.query, recorded_series(situation.groups));
  const std::vector<std::string> receivers = situation.receivers_of(rule);
  const FirstFault fault = fault_for(leading(whole), places);
  std::string text = fmt::format(
      "# A first scenario for {}, written from the rule ({}).\n# Look at the load and the fault, then: "
      "obsctl scenario "
      "plan, obsctl scenario run.\nschema = 1\ntitle = {}\n",
      rule.name, whole.summary.empty() ? "its expression is not understood" : whole.summary,
      quoted(fmt::format("{} fires, is notified and clears", rule.name)));
  text += places_text(places, !receivers.empty());
  text += fmt::format(
      "\n[load.traffic]\ntarget = {}\nrate = \"50/s\"\nrequests = [{{ path = {} }}]  # what your users ask "
      "for\n",
      quoted(places.target), quoted(places.path));
  text += "\n[[fault]]\n";
  if (!fault.doubt.empty()) text += fmt::format("# {}\n", fault.doubt);
  text +=
      fmt::format("name = \"cause\"\ntarget = {}\n{}start = \"10s\"\nstop = \"{}\"\nmax_duration = \"30m\"\n",
                  quoted(places.target), fault.lines, receivers.empty() ? "firing" : "notified");
  text += fmt::format(
      "\n[[expect.alert]]\nname = {}\nwithin = {{ pending = \"auto\", firing = \"auto\", inactive = \"auto\" "
      "}}\n",
      quoted(rule.name));
  for (const std::string& receiver : receivers) {
    text += fmt::format("\n[[expect.notification]]\nalert = {}\nreceiver = {}\n", quoted(rule.name),
                        quoted(receiver));
    if (!has_send_resolved(situation, receiver))
      text += "count = { firing = 1, resolved = 0 }  # its send_resolved is off\n";
  }
  return text + "\n[expect.nothing_else]\n";
}

std::string scenario_name(const std::string& alert) {
  std::string name;
  for (std::size_t i = 0; i < alert.size(); ++i) {
    const auto c = static_cast<unsigned char>(alert[i]);
    if (std::isalnum(c) == 0) {
      if (!name.empty() && name.back() != '-') name += '-';
      continue;
    }
    // A word begins at a capital after a small letter or digit, and at the last of several capitals before a
    // small letter: "HTTPErrors95" is http-errors95.
    const bool capital = std::isupper(c) != 0;
    const bool after_small = i > 0 && std::isupper(static_cast<unsigned char>(alert[i - 1])) == 0;
    const bool before_small =
        i + 1 < alert.size() && std::islower(static_cast<unsigned char>(alert[i + 1])) != 0;
    if (capital && !name.empty() && name.back() != '-' && (after_small || before_small)) name += '-';
    name += static_cast<char>(std::tolower(c));
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "scenario" : name;
}

}  // namespace obsctl::scenarios
