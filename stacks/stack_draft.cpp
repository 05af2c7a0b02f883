// See stack_draft.hpp.
#include "stacks/stack_draft.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "core/text.hpp"
#include "stacks/mounted_files.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

/// What is known of an image by the last part of its name.
struct KnownImage {
  const char* image = nullptr;
  std::uint16_t port = 0;
  const char* ready = nullptr;
  FileKind kind = FileKind::other;
  const char* config = nullptr;  ///< inside, unless --config.file says otherwise
};

constexpr std::array kKnownImages{
    KnownImage{"prometheus", 9090, "/-/ready", FileKind::prometheus, "/etc/prometheus/prometheus.yml"},
    KnownImage{"alertmanager", 9093, "/-/ready", FileKind::alertmanager,
               "/etc/alertmanager/alertmanager.yml"},
    KnownImage{"grafana", 3000, "/api/health"},
    KnownImage{"grafana-oss", 3000, "/api/health"},
    KnownImage{"grafana-enterprise", 3000, "/api/health"},
    KnownImage{"node-exporter", 9100, "/"},
    KnownImage{"blackbox-exporter", 9115, "/-/healthy"},
    KnownImage{"pushgateway", 9091, "/-/ready"},
    KnownImage{"loki", 3100, "/ready"},
    KnownImage{"tempo", 3200, "/ready"},
    KnownImage{"cadvisor", 8080, "/healthz"},
};

/// "docker.io/prom/prometheus:v2.55.1@sha256:…" → "prometheus".
std::string_view last_name(std::string_view image) {
  image = image.substr(0, image.find('@'));
  image = image.substr(image.rfind('/') + 1);
  return image.substr(0, image.find(':'));
}

const KnownImage* known(const ComposeFileService& service) {
  const auto named = [&](const KnownImage& one) { return last_name(service.image) == one.image; };
  const auto found = std::find_if(kKnownImages.begin(), kKnownImages.end(), named);
  return found == kKnownImages.end() ? nullptr : &*found;
}

bool is_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), allowed);
}

std::string to_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    name += is_name(std::string(1, lower)) ? lower : '-';
  }
  const std::size_t begin = name.find_first_not_of('-');
  return begin == std::string::npos ? "stack" : name.substr(begin);
}

/// Of a folder, also of ".".
std::string name_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.filename().empty() ? whole.parent_path() : whole).filename().string();
}

std::string toml_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

fs::path without_slash(const std::string& named) {
  const fs::path path = fs::path(named).lexically_normal();
  return path.filename().empty() ? path.parent_path() : path;
}

/// Of a relative path: whether it is below its folder.
bool is_inside(const fs::path& path) {
  return !path.empty() && path != "." && *path.begin() != "..";
}

std::uint16_t port_of(const ComposeFileService& service) {
  const KnownImage* image = known(service);
  const auto& ports = service.ports;
  if (image != nullptr && std::find(ports.begin(), ports.end(), image->port) != ports.end())
    return image->port;
  return ports.front();
}

/// As far as anything is known of a service's port.
std::string likely_port(const ComposeFileService& service) {
  if (!service.ports.empty()) return std::to_string(port_of(service));
  if (!service.exposed.empty()) return std::to_string(service.exposed.front());
  const KnownImage* image = known(service);
  return image == nullptr ? "PORT" : std::to_string(image->port);
}

/// The path of "http://localhost:8080/health" among the words of its health check, for its own port.
std::optional<std::string> path_of_healthcheck(const ComposeFileService& service, std::uint16_t port) {
  for (const std::string& words : service.healthcheck) {
    for (std::string_view word : core::split(words, ' ')) {
      while (word.starts_with('\'') || word.starts_with('"')) word.remove_prefix(1);
      word = word.substr(0, word.find_first_of("'\";|"));
      if (!word.starts_with("http://")) continue;
      const auto url = core::parse_url(word);
      if (url && url->port == port) return url->target;
    }
  }
  return std::nullopt;
}

/// How a service shows that it is ready; "tcp" where nothing is known.
std::string probe_of(const ComposeFileService& service, std::uint16_t port) {
  const KnownImage* image = known(service);
  if (image != nullptr && image->port == port) return image->ready;
  // obsctl's own long-lived parts.
  const auto& words = service.command;
  const auto serve = std::find(words.begin(), words.end(), "serve");
  if (serve != words.end() && serve + 1 != words.end() && last_name(service.image) == "obsctl")
    return *(serve + 1) == "service" ? "/readyz" : "/healthz";
  return path_of_healthcheck(service, port).value_or("tcp");
}

/// Why a service cannot be taken over as it is; empty: it can.
std::string reason_against(const ComposeFileService& service) {
  if (!is_name(service.name))
    return "its name is not one of lower-case letters, digits and dashes: call it otherwise in both files";
  if (!service.profiles.empty())
    return fmt::format("it is only there with the profile {}", fmt::join(service.profiles, ", "));
  if (service.extends && (service.image.empty() || service.ports.empty()))
    return "it extends another service, which is not looked into: name its image and ports here";
  if (service.host_network)
    return "its network is the host's, where no port is published: take network_mode away and publish one";
  if (service.image.empty())
    return fmt::format("it has no image: name the one that it builds, image: localhost/{}", service.name);
  if (service.ports.empty()) {
    return fmt::format("it publishes no port: add ports: [\"127.0.0.1:${{{0}:-{1}}}:{1}\"]",
                       port_variable(service.name), likely_port(service));
  }
  return {};
}

class Drafter {
 public:
  Drafter(const ComposeFile& compose, const fs::path& folder, std::string_view file_name)
      : compose_(compose), folder_(folder), file_name_(file_name) {}

  Result<StackDraft> draft() {
    draft_.name = to_name(compose_.name.empty() ? name_of(folder_) : compose_.name);
    line("# Written from {} by \"obsctl stack new\"; what it could not know stands in comments.", file_name_);
    line(
        "# The services are those of {}, in containers. One that has a `program` and `arguments` here, and "
        "no",
        file_name_);
    line("# `runtime`, runs without containers too. Format: docs/reference/stack.md.");
    line("schema = 1");
    line("name = {}", toml_text(draft_.name));
    line("title = {}", toml_text(compose_.name.empty() ? draft_.name : compose_.name));
    for (const ComposeFileService& service : compose_.services) {
      for (const ComposeMount& mount : service.mounts) note(mount.source);
      const std::string reason = reason_against(service);
      if (!reason.empty()) {
        leave_out(service, reason);
      } else if (const auto added = add(service); !added) {
        return added.error();
      }
    }
    if (compose_.includes) {
      draft_.left_out.emplace_back("include: the services of other files are not looked into");
      line("");
      line("# Not looked into: the services of the files that {} includes.", file_name_);
    }
    for (const std::string& file : compose_.files) note(file);
    add_missing();
    if (!draft_.services.empty()) return std::move(draft_);
    return core::make_error(ErrorKind::invalid_input,
                            fmt::format("{}: no service can be taken over", file_name_),
                            fmt::format("{}", fmt::join(draft_.left_out, "; ")));
  }

 private:
  /// What comes from the compose file does not end a comment or a text.
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    std::string text = fmt::format(format, std::forward<Args>(args)...);
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    draft_.toml += text + '\n';
  }

  Result<void> add(const ComposeFileService& service) {
    const std::uint16_t port = port_of(service);
    const std::string ready = probe_of(service, port);
    MountedFiles files;
    if (const KnownImage* image = known(service); image != nullptr && image->config != nullptr) {
      auto found = find_mounted_files(service, folder_, image->kind, image->config);
      if (!found) return found.error();
      files = std::move(*found);
    }
    line("");
    line("[service.{}]", service.name);
    line("address = {}", toml_text(fmt::format("{}:{}", service.name, port)));
    if (ready == "tcp")
      line("# A path that answers 2xx once it is ready tells more than a connection: ready = \"/healthz\"");
    line("ready = {}", toml_text(ready));
    line("runtime = \"compose\"");
    if (!service.any_port) {
      line(
          "# Its port on this machine is fixed, so that only one copy can be up. For any number of them "
          "write in");
      line("# {}: \"127.0.0.1:${{{}:-{}}}:{}\"", file_name_, port_variable(service.name), port, port);
    }
    if (service.restarts)
      line("# It is restarted by itself, which undoes a fault that kills it: take `restart` away.");
    for (const ComposeMount& mount : service.mounts) {
      const fs::path path = without_slash(mount.source);
      if (path.is_relative() && !path.empty() && *path.begin() == "..")
        line("# It mounts {}, which is outside of this folder, and a run only has what is in it.",
             mount.source);
    }
    for (const std::string& problem : files.problems) line("# To be filled in below: {}.", problem);
    if (!files.files.empty()) {
      line("");
      line("[service.{}.files]", service.name);
      for (const ConfigFile& file : files.files)
        line("{} = {}", toml_text(file.path), toml_text(to_string(file.kind)));
    } else if (!files.problems.empty()) {
      line("#[service.{}.files]", service.name);
      line("#\"{0}/{0}.yml\" = \"{0}\"", to_string(known(service)->kind));
    }
    draft_.services.push_back(service.name);
    return {};
  }

  void leave_out(const ComposeFileService& service, const std::string& reason) {
    line("");
    line("# {}: {}.", service.name, reason);
    line("#[service.{}]", is_name(service.name) ? service.name : to_name(service.name));
    const std::string port = likely_port(service);
    const KnownImage* image = known(service);
    line("#address = \"{}:{}\"", service.name, port);
    line("#ready = \"{}\"", image != nullptr && std::to_string(image->port) == port ? image->ready : "tcp");
    line("#runtime = \"compose\"");
    draft_.left_out.push_back(fmt::format("{}: {}", service.name, reason));
  }

  void note(const std::string& named) {
    if (named.starts_with('/')) return;
    const fs::path path = without_slash(named);
    const auto& files = draft_.files;
    if (is_inside(path) && std::find(files.begin(), files.end(), path) == files.end())
      draft_.files.push_back(path);
  }

  /// What scenarios look for by name.
  void add_missing() {
    line("");
    const auto there = [&](const char* name) {
      const auto& names = draft_.services;
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    for (const char* name : {"prometheus", "alertmanager"}) {
      if (!there(name)) line("# Scenarios look for a service called {}: there is none.", name);
    }
    if (!there("receiver")) {
      line(
          "# Scenarios that expect notifications look for a service called receiver, an obsctl serve "
          "receiver that");
      line("# Alertmanager notifies. docs/how-to/add-a-stack.md has one to copy.");
    }
  }

  const ComposeFile& compose_;
  const fs::path& folder_;
  const std::string_view file_name_;
  StackDraft draft_;
};

}  // namespace

Result<StackDraft> draft_stack(const ComposeFile& compose, const fs::path& folder,
                               std::string_view file_name) {
  return Drafter(compose, folder, file_name).draft();
}

Result<StackDraft> draft_stack(const fs::path& compose_file) {
  const auto compose = read_compose_file(compose_file, {});
  if (!compose) return compose.error();
  const fs::path folder = compose_file.has_parent_path() ? compose_file.parent_path() : fs::path(".");
  return draft_stack(*compose, folder, compose_file.filename().string());
}

}  // namespace obsctl::stacks
