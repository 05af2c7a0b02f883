// See control_protocol.hpp.
#include "stacks/control_protocol.hpp"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace obsctl::stacks {

using core::ErrorKind;
using core::Result;
using nlohmann::json;

namespace {

constexpr int kSchema = 1;

constexpr std::array<std::pair<ErrorKind, const char*>, 8> kErrorKinds{
    {{ErrorKind::usage, "usage"},
     {ErrorKind::invalid_input, "invalid_input"},
     {ErrorKind::not_found, "not_found"},
     {ErrorKind::unavailable, "unavailable"},
     {ErrorKind::timeout, "timeout"},
     {ErrorKind::cancelled, "cancelled"},
     {ErrorKind::protocol, "protocol"},
     {ErrorKind::internal, "internal"}}};

constexpr std::array<std::pair<Progress::Kind, const char*>, 6> kProgressKinds{
    {{Progress::Kind::image_wanted, "image_wanted"},
     {Progress::Kind::started, "started"},
     {Progress::Kind::service_ready, "service_ready"},
     {Progress::Kind::targets_up, "targets_up"},
     {Progress::Kind::alertmanager_found, "alertmanager_found"},
     {Progress::Kind::ready, "ready"}}};

constexpr std::array kStates{ServiceState::starting, ServiceState::running, ServiceState::paused,
                             ServiceState::stopped, ServiceState::failed};

template <class Kind, std::size_t N>
std::string name_of(const std::array<std::pair<Kind, const char*>, N>& names, Kind kind) {
  for (const auto& [value, name] : names) {
    if (value == kind) return name;
  }
  return names.back().second;
}

template <class Kind, std::size_t N>
std::optional<Kind> kind_of(const std::array<std::pair<Kind, const char*>, N>& names,
                            const std::string& text) {
  for (const auto& [value, name] : names) {
    if (text == name) return value;
  }
  return std::nullopt;
}

/// Runs a reading function; nlohmann's exceptions (a missing key, a wrong type) stop here.
template <class Read>
auto attempt(Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::optional<StackFile> stack_file_from(const json& document) {
  return attempt([&]() -> std::optional<StackFile> {
    if (document.at("schema") != kSchema) return std::nullopt;
    StackFile file;
    file.instance = document.at("instance");
    file.stack = document.at("stack");
    file.time_scale = document.at("time_scale");
    file.runtime = document.at("runtime") == to_string(Runtime::compose) ? Runtime::compose : Runtime::native;
    file.supervisor = document.at("supervisor");
    file.control_url = document.at("control").at("url");
    file.control_token = document.at("control").at("token");
    file.token = document.at("token");
    file.urls = document.at("urls").get<std::map<std::string, std::string>>();
    file.versions = document.at("versions").get<std::map<std::string, std::string>>();
    for (const json& entry : document.at("checksums")) {
      file.checksums.push_back(
          {entry.at("path"), entry.at("kind"), entry.at("source"), entry.at("rendered")});
    }
    file.notes = document.at("notes").get<std::vector<std::string>>();
    return file;
  });
}

}  // namespace

std::string write_stack_file(const StackFile& file) {
  json checksums = json::array();
  for (const FileChecksum& sum : file.checksums) {
    checksums.push_back(
        {{"path", sum.path}, {"kind", sum.kind}, {"source", sum.source}, {"rendered", sum.rendered}});
  }
  const json document{{"schema", kSchema},
                      {"instance", file.instance},
                      {"stack", file.stack},
                      {"time_scale", file.time_scale},
                      {"runtime", to_string(file.runtime)},
                      {"supervisor", file.supervisor},
                      {"control", {{"url", file.control_url}, {"token", file.control_token}}},
                      {"token", file.token},
                      {"urls", file.urls},
                      {"versions", file.versions},
                      {"checksums", checksums},
                      {"notes", file.notes}};
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<StackFile> read_stack_file(const std::string& text) {
  std::optional<StackFile> file = stack_file_from(json::parse(text, nullptr, false));
  if (file) return std::move(*file);
  return core::make_error(ErrorKind::protocol, "stack.json is not what this version of obsctl writes",
                          "was the stack started by another version?");
}

json to_json(const ServiceStatus& status) {
  return {{"name", status.name},
          {"url", status.url},
          {"address", status.address},
          {"pid", status.pid},
          {"state", to_string(status.state)},
          {"log", status.log_file.string()}};
}

json to_json(const ServiceFailure& failure) {
  return {{"service", failure.service},
          {"code", failure.status.code},
          {"signal", failure.status.signal},
          {"last_lines", failure.last_lines},
          {"log", failure.log_file.string()}};
}

json to_json(const core::Error& error) {
  json document{{"kind", name_of(kErrorKinds, error.kind)}, {"message", error.message}, {"hint", error.hint}};
  if (error.where) {
    document["where"] = {
        {"file", error.where->file}, {"line", error.where->line}, {"column", error.where->column}};
  }
  return document;
}

json to_json(const Progress& progress) {
  return {{"kind", name_of(kProgressKinds, progress.kind)},
          {"service", progress.service},
          {"done", progress.done},
          {"total", progress.total},
          {"elapsed_ns", progress.elapsed.count()}};
}

std::optional<ServiceStatus> status_from(const json& document) {
  return attempt([&]() -> std::optional<ServiceStatus> {
    ServiceStatus status{document.at("name"), document.at("url"),   document.at("address"),
                         document.at("pid"),  ServiceState::failed, document.at("log").get<std::string>()};
    const std::string state = document.at("state");
    for (const ServiceState known : kStates) {
      if (to_string(known) == state) status.state = known;
    }
    return status;
  });
}

std::optional<ServiceFailure> failure_from(const json& document) {
  return attempt([&]() -> std::optional<ServiceFailure> {
    return ServiceFailure{document.at("service"),
                          {document.at("code"), document.at("signal")},
                          document.at("last_lines"),
                          document.at("log").get<std::string>()};
  });
}

std::optional<core::Error> error_from(const json& document) {
  return attempt([&]() -> std::optional<core::Error> {
    const auto kind = kind_of(kErrorKinds, document.at("kind").get<std::string>());
    core::Error error =
        core::make_error(kind.value_or(ErrorKind::protocol), document.at("message"), document.at("hint"));
    if (document.contains("where")) {
      const json& where = document.at("where");
      error.where = core::SourcePosition{where.at("file"), where.at("line"), where.at("column")};
    }
    return error;
  });
}

std::optional<Progress> progress_from(const json& document) {
  return attempt([&]() -> std::optional<Progress> {
    const auto kind = kind_of(kProgressKinds, document.at("kind").get<std::string>());
    if (!kind) return std::nullopt;
    return Progress{*kind, document.at("service"), document.at("done"), document.at("total"),
                    core::Nanoseconds(document.at("elapsed_ns").get<std::int64_t>())};
  });
}

}  // namespace obsctl::stacks
