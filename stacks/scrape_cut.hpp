// Cuts a Prometheus off from what one of its jobs scrapes, without touching the targets: the job's scrapes go
// by way of a proxy that is not there. Two edits of the text of a prometheus.yml; the rest of it stays as it
// is.
#pragma once

#include <string>

#include "core/error.hpp"

namespace obsctl::stacks {

/// With the job cut off. Errors: invalid_input with the place (no YAML; a job that has a proxy already),
/// not_found (no such job, with the names that there are).
core::Result<std::string> with_job_cut_off(const std::string& text, const std::string& file_name,
                                           const std::string& job);

/// With the job reaching its targets again, if it was cut off. Errors: as with_job_cut_off, but for the
/// proxy.
core::Result<std::string> with_job_connected(const std::string& text, const std::string& file_name,
                                             const std::string& job);

/// Errors: as with_job_connected.
core::Result<bool> is_job_cut_off(const std::string& text, const std::string& file_name,
                                  const std::string& job);

}  // namespace obsctl::stacks
