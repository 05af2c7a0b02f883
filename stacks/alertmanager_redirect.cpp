// What may stay is listed, not what must go: a key that a newer Alertmanager has and that leads outside would
// not be on any list of ours. yaml-cpp's exceptions end in redirect_alertmanager_config.
#include "stacks/alertmanager_redirect.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "core/http_client.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;

namespace {

constexpr int kMostRoutes = 10'000;

[[noreturn]] void refuse(const YAML::Node& at, const std::string& what) {
  throw YAML::RepresentationException(at.Mark(), what);
}

/// What makes the message of an integration: everything that is neither an address nor a credential.
struct Speech {
  std::string_view type;
  int since_minor;           ///< Alertmanager 0.N
  std::string_view address;  ///< the key that gets ours
  std::string_view kind;     ///< the path it goes to
  std::vector<std::string_view> keys;
};

const std::vector<Speech>& speeches() {
  static const std::vector<Speech> all = {
      {"webhook", 0, "url", "webhook", {"max_alerts", "timeout"}},
      {"slack", 0, "api_url", "slack", {"channel",     "username",     "color",     "title",
                                        "title_link",  "pretext",      "text",      "message_text",
                                        "fields",      "short_fields", "footer",    "fallback",
                                        "callback_id", "icon_emoji",   "icon_url",  "image_url",
                                        "thumb_url",   "link_names",   "mrkdwn_in", "actions",
                                        "timeout"}},
      {"discord", 25, "webhook_url", "discord", {"title", "message", "content", "username", "avatar_url"}},
      {"pagerduty",
       0,
       "url",
       "pagerduty",
       {"client", "client_url", "description", "severity", "details", "images", "links", "source", "class",
        "component", "group", "timeout"}},
      {"msteams", 26, "webhook_url", "msteams", {"title", "summary", "text"}},
      {"msteamsv2", 28, "webhook_url", "msteams", {"title", "text"}},
  };
  return all;
}

/// N of 0.N; a version that cannot be read is an old one.
int minor_of(const std::string& version) {
  int major = 0, minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) return 0;
  return major > 0 ? 1000 : minor;
}

/// Alertmanager refuses a map that has a key twice; a copy of it would hide that.
void check_keys(const YAML::Node& map) {
  std::set<std::string> keys;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) refuse(entry.first, "a key is not a text");
    if (!keys.insert(entry.first.Scalar()).second)
      refuse(entry.first, fmt::format("{} is there twice", entry.first.Scalar()));
  }
}

/// A copy: a node that is only put elsewhere takes all the nodes of its document along, each time anew.
void keep(const YAML::Node& from, std::string_view key, YAML::Node& to) {
  const std::string name(key);
  if (from[name]) to[name] = YAML::Clone(from[name]);
}

class Redirection {
 public:
  Redirection(const fs::path& folder, const RedirectTarget& target)
      : folder_(folder), target_(target), minor_(minor_of(target.version)) {}

  YAML::Node rewrite(const YAML::Node& document) {
    if (!document.IsMap()) refuse(document, "the configuration is not a map");
    check_keys(document);
    YAML::Node out(YAML::NodeType::Map);
    if (const YAML::Node global = document["global"]; global && global.IsMap()) {
      YAML::Node kept(YAML::NodeType::Map);
      for (const char* key : {"resolve_timeout", "smtp_from", "smtp_hello"}) keep(global, key, kept);
      out["global"] = kept;
    }
    if (const YAML::Node templates = document["templates"]) out["templates"] = absolute(templates);
    for (const char* key : {"inhibit_rules", "mute_time_intervals", "time_intervals"})
      keep(document, key, out);
    if (const YAML::Node route = document["route"]) out["route"] = faster(route, 0);
    if (const YAML::Node receivers = document["receivers"]) {
      if (!receivers.IsSequence()) refuse(receivers, "receivers is not a list");
      for (const YAML::Node& receiver : receivers) out["receivers"].push_back(redirected(receiver));
    }
    return out;
  }

  std::vector<std::string> notes() {
    std::vector<std::string> all(notes_.begin(), notes_.end());
    all.insert(all.begin(),
               fmt::format("group_wait is {} and group_interval {} in every route, so that it is quick",
                           core::format_duration(kRedirectedGroupWait),
                           core::format_duration(kRedirectedGroupInterval)));
    return all;
  }

 private:
  /// Alertmanager looks for templates beside the file that names them, which ours is not.
  YAML::Node absolute(const YAML::Node& templates) {
    if (!templates.IsSequence()) refuse(templates, "templates is not a list");
    std::error_code unknown;  // without a current folder they stay relative, and are not found
    const fs::path base = folder_.empty() ? fs::current_path(unknown) : fs::absolute(folder_, unknown);
    YAML::Node all(YAML::NodeType::Sequence);
    for (const YAML::Node& one : templates) {
      if (!one.IsScalar()) refuse(one, "a template's path is not a text");
      all.push_back((base / one.Scalar()).lexically_normal().string());
    }
    return all;
  }

  YAML::Node faster(const YAML::Node& route, int depth) {
    if (!route.IsMap()) refuse(route, "a route is not a map");
    if (depth > 200) refuse(route, "routes are nested too deeply");
    // Aliases can make a short text a tree without end.
    if (++routes_ > kMostRoutes) refuse(route, fmt::format("there are more than {} routes", kMostRoutes));
    YAML::Node out(YAML::NodeType::Map);
    check_keys(route);
    for (const auto& entry : route) {
      const std::string key = entry.first.Scalar();
      if (key == "routes" && entry.second.IsSequence()) {
        for (const YAML::Node& child : entry.second) out["routes"].push_back(faster(child, depth + 1));
      } else if (key != "group_wait" && key != "group_interval" && key != "repeat_interval") {
        out[key] = YAML::Clone(entry.second);
      }
    }
    if (depth == 0) {  // the others inherit them
      out["group_wait"] = core::format_duration(kRedirectedGroupWait);
      out["group_interval"] = core::format_duration(kRedirectedGroupInterval);
      out["repeat_interval"] = "24h";
    }
    return out;
  }

  YAML::Node redirected(const YAML::Node& receiver) {
    if (!receiver.IsMap()) refuse(receiver, "a receiver is not a map");
    YAML::Node out(YAML::NodeType::Map);
    const YAML::Node name = receiver["name"];
    if (!name || !name.IsScalar()) refuse(receiver, "a receiver has no name");
    out["name"] = YAML::Clone(name);
    constexpr std::string_view suffix = "_configs";
    check_keys(receiver);
    for (const auto& entry : receiver) {
      const std::string key = entry.first.Scalar();
      if (!key.ends_with(suffix) || entry.second.IsNull()) continue;
      if (!entry.second.IsSequence()) refuse(entry.second, key + " is not a list");
      const std::string type = key.substr(0, key.size() - suffix.size());
      for (const YAML::Node& one : entry.second) add(out, name.Scalar(), type, one);
    }
    return out;
  }

  void add(YAML::Node& receiver, const std::string& name, const std::string& type, const YAML::Node& from) {
    if (!from.IsMap()) refuse(from, fmt::format("an entry of {}_configs is not a map", type));
    check_keys(from);
    if (type == "email") {
      receiver["email_configs"].push_back(mail(name, from));
      return;
    }
    const auto speech = std::find_if(speeches().begin(), speeches().end(), [&](const Speech& one) {
      return one.type == type && minor_ >= one.since_minor;
    });
    YAML::Node out(YAML::NodeType::Map);
    keep(from, "send_resolved", out);
    if (speech == speeches().end()) {
      notes_.insert(fmt::format("{} of {} is proven as a webhook: its own text is not", type, name));
      out["url"] = address("webhook", name);
      receiver["webhook_configs"].push_back(out);
      return;
    }
    for (const std::string_view key : speech->keys) keep(from, key, out);
    out[std::string(speech->address)] = address(speech->kind, name);
    if (type == "pagerduty") {
      out["routing_key"] = "obsctl";
      if (from["service_key"] || from["service_key_file"])
        notes_.insert(fmt::format(
            "pagerduty of {} has a service_key: proven by the Events API v2 instead of v1", name));
    }
    receiver[type + "_configs"].push_back(out);
  }

  YAML::Node mail(const std::string& name, const YAML::Node& from) {
    YAML::Node out(YAML::NodeType::Map);
    for (const char* key : {"send_resolved", "from", "hello", "headers", "html", "text", "threading"})
      keep(from, key, out);
    YAML::Node headers = out["headers"] ? YAML::Clone(out["headers"]) : YAML::Node(YAML::NodeType::Map);
    if (!headers.IsMap()) refuse(headers, "headers is not a map");
    bool addressed = false;
    for (const auto& header : headers) {
      std::string key = header.first.Scalar();
      std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
      addressed = addressed || key == "to";
    }
    if (!addressed && from["to"]) headers["To"] = YAML::Clone(from["to"]);
    out["headers"] = headers;
    out["to"] = core::percent_encoded(name) + "@obsctl.invalid";
    out["smarthost"] = target_.smarthost;
    out["require_tls"] = false;
    return out;
  }

  std::string address(std::string_view kind, const std::string& name) const {
    return fmt::format("{}/{}/{}", target_.url, kind, core::percent_encoded(name));
  }

  const fs::path& folder_;
  const RedirectTarget& target_;
  const int minor_;
  int routes_ = 0;
  std::set<std::string> notes_;
};

}  // namespace

core::Result<RedirectedConfig> redirect_alertmanager_config(const std::string& text,
                                                            const std::string& file_name,
                                                            const fs::path& folder,
                                                            const RedirectTarget& target) {
  try {
    Redirection redirection(folder, target);
    const YAML::Node out = redirection.rewrite(YAML::Load(text));
    YAML::Emitter emitter;
    emitter << out;
    return RedirectedConfig{std::string(emitter.c_str()) + "\n", redirection.notes()};
  } catch (const YAML::Exception& error) {
    core::Error refused = core::make_error(core::ErrorKind::invalid_input, error.msg);
    refused.where = core::SourcePosition{file_name, error.mark.line + 1, error.mark.column + 1};
    return refused;
  }
}

}  // namespace obsctl::stacks
