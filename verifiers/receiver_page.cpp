// The page as text. Everything that came from outside is escaped; a strict Content-Security-Policy is the
// second lock.
#include "verifiers/receiver_page.hpp"

#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace obsctl::verifiers {

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--line:#8886;--soft:#8882;--fire:#b3261e;--done:#1b7f3b}
@media(prefers-color-scheme:dark){:root{--fire:#ff8a80;--done:#7bd88f}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}
h1{font-size:1.4rem;margin:.5rem 0}
article{border:1px solid var(--line);border-radius:.5rem;margin:1rem 0;padding:.75rem 1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
header b{font-size:1.05rem}
.firing{color:var(--fire)}.resolved{color:var(--done)}
.quiet{opacity:.75;font-size:.9rem}
table{border-collapse:collapse;margin:.5rem 0;width:100%}
th,td{border-top:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:var(--soft);border-radius:.375rem;max-height:30rem;overflow:auto;padding:.75rem;white-space:pre-wrap;overflow-wrap:anywhere}
)";

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// Bodies can be large; a page is for looking, the API has the whole.
constexpr std::size_t kShownBody = 16u << 10;

std::string shown_body(std::string_view raw) {
  if (raw.size() <= kShownBody) return escaped(raw);
  std::size_t end = kShownBody;
  while (end > 0 && (static_cast<unsigned char>(raw[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return escaped(raw.substr(0, end)) + fmt::format("\n… {} more bytes", raw.size() - end);
}

void append_alerts(std::string& page, const Notification& notification) {
  if (notification.alerts.empty()) return;
  page += "<table><thead><tr><th>State</th><th>Alert</th><th>Labels</th><th>Since</th></tr></thead><tbody>";
  for (const NotifiedAlert& alert : notification.alerts) {
    const auto time = alert.status == NotifiedStatus::resolved ? alert.ends_at : alert.starts_at;
    fmt::format_to(std::back_inserter(page),
                   "<tr><td class=\"{0}\">{0}</td><td>{1}</td><td><code>{2}</code></td><td>{3}</td></tr>",
                   to_string(alert.status), escaped(alert.name),
                   alert.labels.empty() ? std::string() : escaped(to_text(alert.labels)),
                   time == core::WallTime::min() ? std::string() : core::format_utc(time));
  }
  page += "</tbody></table>";
}

void append_notification(std::string& page, const Notification& notification) {
  const std::string what =
      notification.kind == NotificationKind::webhook
          ? fmt::format("{} alert{}", notification.alerts.size(), notification.alerts.size() == 1 ? "" : "s")
          : escaped(notification.title);
  fmt::format_to(std::back_inserter(page),
                 "<article id=\"n{0}\"><header><b class=\"{1}\">{1}</b> <b>{2}</b>"
                 "<span class=\"quiet\">#{0} · {3} / {4} · {5}</span></header>",
                 notification.sequence, to_string(notification.status), what, to_string(notification.kind),
                 escaped(notification.receiver), core::format_utc(notification.received_at));
  append_alerts(page, notification);
  page += "<details><summary>Body as received</summary><pre>" + shown_body(notification.raw) +
          "</pre></details></article>\n";
}

void append_instructions(std::string& page, const std::string& base) {
  fmt::format_to(
      std::back_inserter(page),
      "<p>Nothing has arrived yet. Point a receiver of Alertmanager here:</p>\n"
      "<pre>receivers:\n  - name: on-call\n    webhook_configs:\n      - url: {0}/webhook/on-call\n"
      "    slack_configs:\n      - api_url: {0}/slack/on-call\n        send_resolved: true\n"
      "    discord_configs:\n      - webhook_url: {0}/discord/on-call</pre>\n",
      escaped(base));
}

}  // namespace

std::string render_receiver_page(const std::vector<NotificationStore::Item>& items, std::uint64_t total,
                                 const std::string& base, bool refresh) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  if (refresh) page += "<meta http-equiv=\"refresh\" content=\"5\">";
  fmt::format_to(std::back_inserter(page),
                 "<title>{} notifications · obsctl receiver</title><style>{}</style></head><body>\n", total,
                 kStyle);
  fmt::format_to(
      std::back_inserter(page),
      "<h1>Notifications</h1>\n<p class=\"quiet\">{} received, {} shown, newest first. Times are UTC. {} · "
      "<a href=\"/api/v1/notifications\">as JSON</a></p>\n",
      total, items.size(),
      refresh ? "<a href=\"/\">Stop refreshing</a>" : "<a href=\"/?refresh=5\">Refresh every 5 s</a>");
  if (items.empty()) append_instructions(page, base);
  for (const auto& item : items) append_notification(page, *item);
  page += "</body></html>\n";
  return page;
}

}  // namespace obsctl::verifiers
