// An Alertmanager configuration rewritten so that everything it sends goes to one receiver on this machine,
// and nothing anywhere else, while routes, grouping, inhibition, time intervals and templates stay what they
// were.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::stacks {

/// Where notifications go instead: to `url`/KIND/NAME, and by mail to NAME at `smarthost`.
struct RedirectTarget {
  std::string url;
  std::string smarthost;
  /// Of the Alertmanager that will read it: "0.25.0". What that one cannot send becomes a webhook.
  std::string version;
};

// The timers of every group, so that a proof takes a second and not half a minute.
inline constexpr core::Nanoseconds kRedirectedGroupWait = std::chrono::milliseconds(250);
inline constexpr core::Nanoseconds kRedirectedGroupInterval = std::chrono::seconds(1);

struct RedirectedConfig {
  std::string text;
  /// What is not proven as it would be for real, for the reader of the result.
  std::vector<std::string> notes;
};

/// `folder` is where relative templates are looked for. Errors: invalid_input with the place.
core::Result<RedirectedConfig> redirect_alertmanager_config(const std::string& text,
                                                            const std::string& file_name,
                                                            const std::filesystem::path& folder,
                                                            const RedirectTarget& target);

}  // namespace obsctl::stacks
