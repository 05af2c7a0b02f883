// What a supervisor and those who attach to its stack say to each other: JSON in stack.json, over HTTP and
// over the starter's pipe. Versions of obsctl can differ between the two, so what is read is checked.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/error.hpp"
#include "stacks/runtime.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

/// The content of stack.json in the run directory (0600: it holds both tokens).
struct StackFile {
  std::string instance;
  std::string stack;
  double time_scale = 1.0;
  Runtime runtime = Runtime::native;
  pid_t supervisor = 0;
  std::string control_url;
  std::string control_token;
  std::string token;
  std::map<std::string, std::string> urls;  ///< service → url
  std::map<std::string, std::string> versions;
  std::vector<FileChecksum> checksums;
  std::vector<std::string> notes;
};

std::string write_stack_file(const StackFile& file);
/// Errors: protocol.
core::Result<StackFile> read_stack_file(const std::string& text);

nlohmann::json to_json(const ServiceStatus& status);
nlohmann::json to_json(const ServiceFailure& failure);
nlohmann::json to_json(const core::Error& error);
nlohmann::json to_json(const Progress& progress);

// Each comes back empty when the document is not what it must be.
std::optional<ServiceStatus> status_from(const nlohmann::json& document);
std::optional<ServiceFailure> failure_from(const nlohmann::json& document);
std::optional<core::Error> error_from(const nlohmann::json& document);
std::optional<Progress> progress_from(const nlohmann::json& document);

}  // namespace obsctl::stacks
