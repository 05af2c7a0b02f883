// The pages as text. Everything that came from outside is escaped and cannot turn the direction of what
// stands around it; a strict Content-Security-Policy is the second lock.
#include "verifiers/receiver_page.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "core/markup.hpp"
#include "core/text.hpp"
#include "verifiers/text_encodings.hpp"

namespace obsctl::verifiers {

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1c2128;--quiet:#57606a;--line:#d0d7de;--soft:#f0f2f5;--link:#0b5cad;--fire:#b3261e;--fireback:#fdecea;--done:#14682f;--doneback:#e6f4ea;--warn:#7a4b00;--warnback:#fff4d6}
@media(prefers-color-scheme:dark){:root{--back:#0f1318;--card:#181d24;--text:#e6e9ed;--quiet:#9aa4af;--line:#333c47;--soft:#10151b;--link:#79b8ff;--fire:#ff9a90;--fireback:#43201f;--done:#7fdc9a;--doneback:#17351f;--warn:#f2c76e;--warnback:#3b2f12}}
*{box-sizing:border-box}
body{background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1.25rem}
a{color:var(--link)}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .25rem}
p{margin:.25rem 0 .75rem}
article,.note{background:var(--card);border:1px solid var(--line);border-radius:.5rem;margin:.75rem 0;padding:.75rem 1rem}
article{border-left:.3rem solid var(--line)}
article.firing{border-left-color:var(--fire)}article.resolved{border-left-color:var(--done)}
article.refused{border-left-style:dashed}
header{align-items:baseline;display:flex;flex-wrap:wrap;gap:.25rem .6rem}
h2{font-size:.95rem;margin:1rem 0 .25rem}
header h2{font-size:1rem;margin:0;overflow-wrap:anywhere}
.state,.tag{border-radius:.25rem;font-size:.8rem;font-weight:600;padding:.05rem .4rem;white-space:nowrap}
.state{background:var(--soft);color:var(--quiet)}
.state.firing{background:var(--fireback);color:var(--fire)}.state.resolved{background:var(--doneback);color:var(--done)}
.tag{background:var(--warnback);color:var(--warn);font-weight:400}
.quiet{color:var(--quiet);font-size:.875rem}
.meta{margin:.15rem 0 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin:.5rem 0 .25rem;width:100%}
th{color:var(--quiet);font-size:.8rem;font-weight:400}
th,td{border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
td{overflow-wrap:break-word;unicode-bidi:isolate}
td.labels{overflow-wrap:anywhere}
td.labels,td:nth-child(2):last-child{width:100%}
td.time,td:first-child{white-space:nowrap}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:var(--soft);border-radius:.375rem;margin:.5rem 0;overflow:auto;overflow-wrap:anywhere;padding:.75rem;white-space:pre-wrap}
details pre{max-height:30rem}
summary{color:var(--quiet);cursor:pointer;font-size:.875rem;margin-top:.25rem}
bdi{unicode-bidi:isolate}
@media print{body{background:none;max-width:none}article{break-inside:avoid}}
)";

/// Text from outside, which cannot turn the direction of what stands around it.
std::string isolated(std::string_view text) {
  return "<bdi>" + core::escape_markup(to_utf8("utf-8", text)) + "</bdi>";
}

std::string_view sign_of(NotifiedStatus status) {
  switch (status) {
    case NotifiedStatus::firing:
      return "● firing";
    case NotifiedStatus::resolved:
      return "✓ resolved";
    case NotifiedStatus::unknown:
      break;
  }
  return "? unknown";
}

std::string state_badge(NotifiedStatus status) {
  return fmt::format("<span class=\"state {}\">{}</span>", to_string(status), sign_of(status));
}

std::string size_text(std::size_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024));
}

/// Bodies can be large; the list is for looking, the page of one has the whole.
constexpr std::size_t kShownBody = 16u << 10;

std::string body_text(const Notification& notification, std::size_t limit) {
  const std::string shown = to_utf8("utf-8", shown_body(notification));
  if (shown.size() <= limit) return core::escape_markup(shown);
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return core::escape_markup(std::string_view(shown).substr(0, end)) +
         fmt::format("\n… {} more bytes", shown.size() - end);
}

/// More rows than anybody reads would make the page slow.
constexpr std::size_t kShownAlerts = 100;

core::WallTime time_of(const NotifiedAlert& alert) {
  return alert.status == NotifiedStatus::resolved ? alert.ends_at : alert.starts_at;
}

void append_row(std::string& page, const NotifiedAlert& alert, bool with_labels, bool with_times) {
  page += "<tr><td>" + state_badge(alert.status) + "</td><td>" + core::escape_markup(alert.name) + "</td>";
  if (with_labels) {
    page += "<td class=\"labels\"><code>" +
            (alert.labels.empty() ? std::string() : core::escape_markup(to_text(alert.labels))) +
            "</code></td>";
  }
  if (with_times) {
    const auto time = time_of(alert);
    page += "<td class=\"time\">" + (time == core::WallTime::min() ? std::string() : core::format_utc(time)) +
            "</td>";
  }
  page += "</tr>";
}

/// A table of the alerts, with the columns that the payload fills.
void append_alerts(std::string& page, const Notification& notification, std::size_t limit) {
  const auto& alerts = notification.alerts;
  if (alerts.empty()) return;
  const bool labels = std::any_of(alerts.begin(), alerts.end(),
                                  [](const NotifiedAlert& alert) { return !alert.labels.empty(); });
  const bool times = std::any_of(alerts.begin(), alerts.end(), [](const NotifiedAlert& alert) {
    return time_of(alert) != core::WallTime::min();
  });
  page += "<div class=\"wide\"><table><thead><tr><th>State</th><th>Alert</th>";
  if (labels) page += "<th>Labels</th>";
  if (times) page += "<th>Since</th>";
  page += "</tr></thead><tbody>";
  for (std::size_t i = 0; i < std::min(alerts.size(), limit); ++i) append_row(page, alerts[i], labels, times);
  page += "</tbody></table></div>";
  if (alerts.size() > limit) page += fmt::format("<p class=\"quiet\">… {} more</p>", alerts.size() - limit);
}

/// The first bytes of a text, cut between characters.
std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string heading_of(const Notification& notification) {
  constexpr std::size_t longest = 300;
  if (!notification.title.empty()) return shortened(notification.title, longest);
  std::vector<std::string_view> names;
  for (const NotifiedAlert& alert : notification.alerts) {
    if (std::find(names.begin(), names.end(), alert.name) == names.end()) names.push_back(alert.name);
    if (names.size() > 3) break;
  }
  if (names.empty()) return "no alert named";
  const bool more = names.size() > 3;
  if (more) names.pop_back();
  const std::size_t count = notification.alerts.size();
  return fmt::format("{}{} ({} alert{})", fmt::join(names, ", "), more ? ", …" : "", count,
                     count == 1 ? "" : "s");
}

std::string tags_of(const Notification& notification) {
  std::string tags;
  const auto add = [&tags](const std::string& text) { tags += "<span class=\"tag\">" + text + "</span>"; };
  if (notification.refused) {
    add(notification.answer != 0 ? fmt::format("refused with {}", notification.answer)
                                 : "refused without an answer");
  }
  if (!notification.misbehaviour.empty())
    add("misbehaviour " + core::escape_markup(notification.misbehaviour));
  if (notification.recurrence != Recurrence::first) {
    add(fmt::format("{} of #{}", to_string(notification.recurrence), notification.recurrence_of));
  }
  return tags;
}

void append_top(std::string& page, const Notification& notification) {
  fmt::format_to(std::back_inserter(page),
                 "<article id=\"n{0}\" class=\"{1}{2}\"><header>{3}<h2>{4}</h2>{5}</header>"
                 "<p class=\"meta quiet\"><a href=\"/notifications/{0}\">#{0}</a> · {6} / {7} · {8} · {9}",
                 notification.sequence, to_string(notification.status),
                 notification.refused ? " refused" : "", state_badge(notification.status),
                 isolated(heading_of(notification)), tags_of(notification), to_string(notification.kind),
                 isolated(notification.receiver), core::format_utc(notification.received_at),
                 size_text(notification.raw.size()));
  if (notification.kind == NotificationKind::email) {
    page += " · from " + isolated(notification.sender) + " to ";
    page += isolated(fmt::format("{}", fmt::join(notification.recipients, ", ")));
  }
  page += "</p>";
}

void append_notification(std::string& page, const Notification& notification) {
  append_top(page, notification);
  append_alerts(page, notification, kShownAlerts);
  page += "<details><summary>Body as received</summary><pre>" + body_text(notification, kShownBody) +
          "</pre></details></article>\n";
}

void append_instructions(std::string& page, const ReceiverPage& given) {
  fmt::format_to(
      std::back_inserter(page),
      "<div class=\"note\"><p>Nothing has arrived yet. Point a receiver of Alertmanager here:</p>\n"
      "<pre>receivers:\n  - name: on-call\n    webhook_configs:\n      - url: {0}/webhook/on-call\n"
      "    slack_configs:\n      - api_url: {0}/slack/on-call\n        send_resolved: true\n"
      "    discord_configs:\n      - webhook_url: {0}/discord/on-call\n"
      "    pagerduty_configs:\n      - url: {0}/pagerduty/on-call\n        routing_key: any\n"
      "    msteams_configs:    # Alertmanager 0.26 and later\n      - webhook_url: {0}/msteams/on-call\n",
      core::escape_markup(given.base));
  if (!given.mail.empty()) {
    fmt::format_to(
        std::back_inserter(page),
        "    email_configs:\n      - smarthost: {}\n        from: alertmanager@example.org\n"
        "        to: on-call@example.org\n        require_tls: false\n        send_resolved: true\n",
        core::escape_markup(given.mail));
  }
  page +=
      "</pre><p class=\"quiet\">Anything else that sends JSON or text: " + core::escape_markup(given.base) +
      "/generic/on-call</p></div>\n";
}

std::string document_head(std::string_view title, bool refresh) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{}"
      "<title>{} · obsctl receiver</title><style>{}</style></head><body>\n",
      refresh ? "<meta http-equiv=\"refresh\" content=\"5\">" : "", core::escape_markup(title), kStyle);
}

}  // namespace

std::string render(const ReceiverPage& given) {
  const ReceiverCounts& counts = given.counts;
  std::string page = document_head(fmt::format("{} notifications", counts.accepted), given.refresh);
  fmt::format_to(
      std::back_inserter(page),
      "<h1>Notifications</h1>\n<p class=\"quiet\">{} taken, {} refused on request, {} malformed; {} shown, "
      "newest first. Times are UTC. {} · <a href=\"/api/v1/notifications\">as JSON</a></p>\n",
      counts.accepted, counts.refused, counts.rejected, given.items.size(),
      given.refresh ? "This page loads itself again every 5 s: <a href=\"/?refresh=off\">stop</a>"
                    : "<a href=\"/\">Load again every 5 s</a>");
  if (given.rejection) {
    fmt::format_to(std::back_inserter(page), "<p class=\"note\">Last malformed: {} to {}, {}: {}</p>\n",
                   to_string(given.rejection->kind), isolated(given.rejection->receiver),
                   core::format_utc(given.rejection->at), isolated(given.rejection->reason));
  }
  if (given.items.empty()) append_instructions(page, given);
  for (const auto& item : given.items) append_notification(page, *item);
  page += "</body></html>\n";
  return page;
}

std::string render_single(const Notification& notification) {
  std::string page = document_head(fmt::format("Notification {}", notification.sequence), false);
  page += "<p><a href=\"/\">All notifications</a></p>\n";
  append_top(page, notification);
  append_alerts(page, notification, notification.alerts.size());
  if (!notification.text.empty()) {
    page += "<h2>Text</h2><pre>" + core::escape_markup(to_utf8("utf-8", core::trimmed(notification.text))) +
            "</pre>";
  }
  page += "<h2>Body as received</h2><pre>" + body_text(notification, SIZE_MAX) +
          "</pre></article></body></html>\n";
  return page;
}

core::HttpResponse page_response(std::string html) {
  return {.body = std::move(html),
          .content_type = "text/html; charset=utf-8",
          .headers = {{"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-store"}}};
}

}  // namespace obsctl::verifiers
