// A real Alertmanager of our own for a moment: a child process on a free loopback port, alone, with its files
// in a folder that goes when it does.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "core/error.hpp"

namespace obsctl::stacks {

/// The version of the Alertmanager that is installed: "0.25.0". Errors: not_found (with how to get it),
/// unavailable, timeout.
core::Result<std::string> installed_alertmanager_version(const std::stop_token& stop);

/// Ends with the object.
class PrivateAlertmanager {
 public:
  /// Returns once it is ready. Main thread only. Errors: not_found, unavailable (a configuration that it
  /// refuses: in its own words), timeout, cancelled.
  static core::Result<std::unique_ptr<PrivateAlertmanager>> start(const std::string& config,
                                                                  const std::stop_token& stop);
  ~PrivateAlertmanager();
  PrivateAlertmanager(const PrivateAlertmanager&) = delete;
  PrivateAlertmanager& operator=(const PrivateAlertmanager&) = delete;

  std::string url() const;
  /// Whether its log says, since this was asked last, that a group was not notified because of a time
  /// interval. (Versions before 0.28 say it nowhere else.)
  bool has_muted();

 private:
  struct State;
  explicit PrivateAlertmanager(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace obsctl::stacks
