// Reading stack.toml. Nothing stops at the first mistake: what can be read is read, and everything wrong is
// reported with its place.
#include "stacks/manifest.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "stacks/placeholders.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorKind;
using core::Result;
using core::TomlTable;

namespace {

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names{"prometheus", "rules", "alertmanager", "other"};
  return names;
}

FileKind kind_of(std::string_view name) {
  for (const FileKind kind : {FileKind::prometheus, FileKind::rules, FileKind::alertmanager}) {
    if (to_string(kind) == name) return kind;
  }
  return FileKind::other;
}

/// Lower-case letters, digits and dashes: usable as a host name in Compose, in a file name and in an
/// environment.
bool is_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), allowed);
}

bool is_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = address.substr(colon + 1);
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

class ManifestReader {
 public:
  ManifestReader(TomlTable root, const fs::path& folder) : root_(std::move(root)), folder_(folder) {}

  Manifest read() {
    manifest_.folder = folder_;
    if (const auto schema = root_.integer("schema"); schema != 1 && (schema || !root_.has("schema"))) {
      root_.report_at("schema", schema ? fmt::format("schema {} is not known", *schema) : "schema is missing",
                      "write schema = 1");
    }
    manifest_.name = root_.required_string("name");
    if (root_.has("name") && !manifest_.name.empty() && !is_name(manifest_.name))
      report_name(root_, "name", manifest_.name);
    manifest_.title = root_.string("title").value_or("");
    if (auto services = root_.table("service")) {
      for (const std::string& name : services->keys()) {
        if (auto table = services->table(name)) read_service(name, *table);
      }
    }
    if (manifest_.services.empty() && !root_.has("service")) {
      root_.report("a stack needs at least one service", "add [service.api]");
    }
    root_.finish();
    check_references();
    return std::move(manifest_);
  }

 private:
  static void report_name(TomlTable& table, std::string_view key, std::string_view name) {
    table.report_at(key, fmt::format("\"{}\" is not a name", name),
                    "use lower-case letters, digits and dashes");
  }

  void read_service(const std::string& name, TomlTable& table) {
    Service service;
    service.name = name;
    if (!is_name(name))
      table.report(fmt::format("\"{}\" is not a name", name), "use lower-case letters, digits and dashes");
    service.title = table.string("title").value_or("");
    service.address = table.required_string("address");
    if (!service.address.empty() && !is_address(service.address)) {
      table.report_at("address", fmt::format("\"{}\" is not an address", service.address),
                      fmt::format("write host:port as the stack's files name it, such as \"{}:8080\"", name));
    } else if (!service.address.empty() && !addresses_.insert(service.address).second) {
      table.report_at("address",
                      fmt::format("\"{}\" is the address of another service too", service.address));
    }
    service.programs = table.strings("program");
    service.arguments = table.strings("arguments");
    if (auto environment = table.table("environment")) {
      for (const std::string& variable : environment->keys()) {
        if (const auto value = environment->string(variable)) {
          service.environment.push_back(fmt::format("{}={}", variable, *value));
        }
      }
    }
    read_readiness(service, table);
    if (const auto grace = table.duration("stop_grace")) service.stop_grace = *grace;
    read_files(service, table);
    service.check = table.strings("check");
    service.package = table.string("package").value_or("");
    if (const auto runtime = table.one_of("runtime", {"native", "compose"})) {
      service.only_in = *runtime == "native" ? Runtime::native : Runtime::compose;
    }
    table.finish();
    manifest_.services.push_back(std::move(service));
    tables_.push_back(table);
  }

  static void read_readiness(Service& service, TomlTable& table) {
    const std::string ready = table.required_string("ready");
    if (ready.empty() || ready == "tcp") return;
    if (ready.front() == '/') {
      service.ready.path = ready;
      return;
    }
    table.report_at("ready", fmt::format("\"{}\" is not a readiness probe", ready),
                    "write an HTTP path that answers 2xx, such as \"/-/ready\", or \"tcp\"");
  }

  void read_files(Service& service, TomlTable& table) {
    auto files = table.table("files");
    if (!files) return;
    for (const std::string& path : files->keys()) {
      const auto kind = files->one_of(path, kind_names());
      const fs::path relative = fs::path(path).lexically_normal();
      std::error_code ignored;
      if (relative.is_absolute() || relative.string().starts_with("..")) {
        files->report_at(path, fmt::format("{} is outside the stack's folder", path));
      } else if (!fs::is_regular_file(folder_ / relative, ignored)) {
        files->report_at(path, fmt::format("there is no file {} in the stack's folder", path));
      }
      service.files.push_back({relative.generic_string(), kind_of(kind.value_or("other"))});
    }
  }

  void check_references() {
    for (std::size_t i = 0; i < manifest_.services.size(); ++i) {
      const Service& service = manifest_.services[i];
      for (const std::string& text : service.arguments) check_text(tables_[i], "arguments", text);
      for (const std::string& text : service.environment) check_text(tables_[i], "environment", text);
      for (const std::string& text : service.check) check_text(tables_[i], "check", text);
    }
  }

  void check_text(TomlTable& table, std::string_view key, const std::string& text) {
    const auto checked = expand(text, [&](const Placeholder& placeholder) { return check(placeholder); });
    if (!checked) table.report_at(key, checked.error().message, checked.error().hint);
  }

  static Error refused(std::string message, std::string hint = {}) {
    return core::make_error(ErrorKind::invalid_input, std::move(message), std::move(hint));
  }

  Result<std::string> check(const Placeholder& placeholder) const {
    const auto& [name, argument] = placeholder;
    const auto& names = placeholder_names();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return refused(fmt::format("unknown placeholder {{{}}}{}", name, core::did_you_mean(name, names)),
                     fmt::format("use {}, or {{{{ for a brace", fmt::join(names, ", ")));
    }
    const bool takes_argument =
        name == "file" || name == "address" || name == "scaled" || name == "scaled_seconds";
    if (takes_argument && argument.empty()) return refused(fmt::format("{{{}:…}} needs an argument", name));
    if (!takes_argument && name != "url" && !argument.empty()) {
      return refused(fmt::format("{{{}}} takes no argument", name));
    }
    if (name == "file") return check_file(argument);
    if ((name == "address" || name == "url") && !argument.empty()) return check_service(name, argument);
    if (name == "scaled" || name == "scaled_seconds") return scale_duration(argument, 1.0);
    return std::string();
  }

  Result<std::string> check_file(const std::string& path) const {
    std::vector<std::string> paths;
    for (const Service& service : manifest_.services) {
      for (const ConfigFile& file : service.files) paths.push_back(file.path);
    }
    if (std::find(paths.begin(), paths.end(), path) != paths.end()) return path;
    return refused(
        fmt::format("{{file:{}}} is not one of the stack's files{}", path, core::did_you_mean(path, paths)),
        "list it under [service.NAME.files]");
  }

  Result<std::string> check_service(const std::string& name, const std::string& argument) const {
    if (manifest_.find(argument) != nullptr) return argument;
    std::vector<std::string> services;
    for (const Service& service : manifest_.services) services.push_back(service.name);
    return refused(
        fmt::format("{{{}:{}}} names no service{}", name, argument, core::did_you_mean(argument, services)));
  }

  TomlTable root_;
  fs::path folder_;
  Manifest manifest_;
  std::vector<TomlTable> tables_;  // of manifest_.services
  std::set<std::string> addresses_;
};

}  // namespace

std::string_view to_string(FileKind kind) {
  switch (kind) {
    case FileKind::prometheus:
      return "prometheus";
    case FileKind::rules:
      return "rules";
    case FileKind::alertmanager:
      return "alertmanager";
    case FileKind::other:
      return "other";
  }
  return "other";
}

std::string_view to_string(Runtime runtime) {
  return runtime == Runtime::native ? "native" : "compose";
}

Result<Manifest> for_runtime(Manifest manifest, Runtime runtime, const std::vector<std::string>& without) {
  std::vector<std::string> names;
  for (const Service& service : manifest.services) names.push_back(service.name);
  for (const std::string& name : without) {
    if (manifest.find(name) == nullptr) return unknown_service(manifest.name, name, names);
  }
  std::erase_if(manifest.services, [&](const Service& service) {
    return service.only_in.value_or(runtime) != runtime ||
           std::find(without.begin(), without.end(), service.name) != without.end();
  });
  if (!manifest.services.empty()) return manifest;
  const Runtime other = runtime == Runtime::native ? Runtime::compose : Runtime::native;
  return core::make_error(
      ErrorKind::usage,
      fmt::format("the stack {} has no service for the {} runtime{}", manifest.name, to_string(runtime),
                  without.empty() ? "" : ", without those that are left out"),
      fmt::format("add --runtime {}", to_string(other)));
}

const Service* Manifest::find(std::string_view service) const {
  const auto named = [&](const Service& candidate) { return candidate.name == service; };
  const auto found = std::find_if(services.begin(), services.end(), named);
  return found == services.end() ? nullptr : &*found;
}

Error ManifestErrors::joined() const {
  if (errors.size() == 1) return errors.front();
  std::vector<std::string> lines;
  for (const Error& error : errors) lines.push_back(to_string(error));
  return core::make_error(ErrorKind::invalid_input, fmt::format("{} mistakes in the stack's file:\n{}",
                                                                errors.size(), fmt::join(lines, "\n")));
}

ManifestResult parse_manifest(std::string_view text, const fs::path& folder, const std::string& file_name) {
  auto file = core::TomlFile::parse(text, file_name);
  if (!file) return ManifestErrors{{file.error()}};
  Manifest manifest = ManifestReader(file->root(), folder).read();
  std::vector<Error> errors = file->errors();
  if (!errors.empty()) return ManifestErrors{std::move(errors)};
  return manifest;
}

ManifestResult read_manifest(const fs::path& folder) {
  const fs::path file = folder / "stack.toml";
  const Result<std::string> text = core::read_file(file);
  if (!text) return ManifestErrors{{text.error()}};
  return parse_manifest(*text, folder, file.string());
}

}  // namespace obsctl::stacks
