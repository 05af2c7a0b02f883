// Programs of others that no Debian package has: tests/integration/peers brings them in. A test that wants
// one which is not there skips with a line that says so.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/http_client.hpp"
#include "core/http_server.hpp"
#include "core/process.hpp"
#include "tests/support/catch.hpp"

namespace obsctl::tests {

/// Where `peers` puts them.
inline std::filesystem::path peers_folder() {
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "" : home) / ".cache/obsctl/peers";
}

/// The program: there, or in PATH.
inline std::optional<std::filesystem::path> peer(const std::string& name) {
  const std::filesystem::path cached = peers_folder() / name;
  if (std::filesystem::is_regular_file(cached)) return cached;
  const auto found = core::find_program({name});
  if (found) return *found;
  WARN("skipped: " << name << " is not here; tests/integration/peers brings it in");
  return std::nullopt;
}

/// It ends with what is returned.
inline core::ChildProcess start_peer(std::vector<std::string> words,
                                     std::vector<std::string> environment = {}) {
  core::ProcessOptions options;
  options.argv = std::move(words);
  options.environment = std::move(environment);
  auto child = core::ChildProcess::start(options);
  if (!child) FAIL(to_string(child.error()));
  return std::move(*child);
}

/// A HOST:PORT on which nobody listens.
inline std::string free_address() {
  auto server = core::HttpServer::start({}, [](const auto&) {});
  REQUIRE(server);
  return (*server)->url().substr(std::string("http://").size());
}

inline std::string port_of(const std::string& address) {
  return address.substr(address.find(':') + 1);
}

/// Whether somebody comes to answer there.
inline bool answers(const std::string& url, std::chrono::seconds within = std::chrono::seconds(10)) {
  core::HttpClient http;
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (std::chrono::steady_clock::now() < deadline) {
    if (http.call({.url = url, .timeout = std::chrono::seconds(1)})) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace obsctl::tests
