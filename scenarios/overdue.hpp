// Notifications that should have come by now: the run asks Prometheus and Alertmanager why, while they still
// know, and journals the answer once for each.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "scenarios/expectation.hpp"
#include "scenarios/journal.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/missing_notification.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::scenarios {

class OverdueNotifications {
 public:
  /// All outlive this. `alertmanager_log` may be empty: it cannot be read then.
  OverdueNotifications(Journal& journal, verifiers::PrometheusClient& prometheus,
                       verifiers::AlertmanagerClient& alertmanager, std::filesystem::path alertmanager_log,
                       core::Clock& clock, const std::stop_token& stop);

  /// Journals notification.overdue for each expected notification whose budget is over (with `at_end`: that
  /// has not come) and for which that has not been done.
  void look(const std::vector<Expectation>& expectations, const std::vector<Event>& events, bool at_end,
            const std::stop_token& stop);

 private:
  verifiers::DeliveryEvidence evidence(const std::vector<Event>& events, const std::stop_token& stop);
  /// That tell of an error; nothing where the log cannot be read.
  std::optional<std::vector<std::string>> new_log_lines() const;

  Journal& journal_;
  verifiers::PrometheusClient& prometheus_;
  verifiers::AlertmanagerClient& alertmanager_;
  const std::filesystem::path alertmanager_log_;
  core::Clock& clock_;
  std::map<std::string, double> failed_before_;
  std::uintmax_t log_began_at_ = 0;  ///< its size when the run began
  std::set<std::string> told_;       ///< ids
};

}  // namespace obsctl::scenarios
