// A run's faults and alerts as annotations in Grafana, so that its dashboards show what was done and what
// came of it. They are written beside the run, from a thread of their own: what Grafana does with them has no
// influence on when faults come and go, nor on the verdict.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "scenarios/journal.hpp"
#include "verifiers/grafana_client.hpp"

namespace obsctl::scenarios {

/// Whose dashboards are annotated.
struct AnnotatedGrafana {
  verifiers::GrafanaAccess access;
  std::string dashboard_uid =
      {};  ///< empty: an annotation of the organization, for every dashboard that asks for the tags
};

/// From construction on: a fault from fault.injected to fault.cleared, an instance of an alert from
/// alert.firing to alert.inactive, each as a moment when it begins that becomes a region when it ends. Tags:
/// "obsctl", "fault" or "alert", the run's id, the name. The first that cannot be written is journalled as
/// annotation.failed.
class Annotations {
 public:
  /// The journal outlives this.
  Annotations(AnnotatedGrafana grafana, std::string run, Journal& journal);
  /// Writes what is left, which takes two seconds at most.
  ~Annotations();
  Annotations(const Annotations&) = delete;
  Annotations& operator=(const Annotations&) = delete;

 private:
  struct Queue;  ///< shared with the journal's listener, which cannot be taken back

  std::shared_ptr<Queue> queue_;
  std::jthread writer_;
};

}  // namespace obsctl::scenarios
