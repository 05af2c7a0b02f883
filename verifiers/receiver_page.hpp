// The pages a receiver shows to people: what arrived, newest first, and one notification whole, in
// self-contained documents without scripts. Internal to verifiers/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/http_server.hpp"
#include "verifiers/notification_store.hpp"
#include "verifiers/receiver.hpp"
#include "verifiers/receiver_inbox.hpp"

namespace obsctl::verifiers {

struct ReceiverPage {
  std::vector<NotificationStore::Item> items;  ///< newest first
  ReceiverCounts counts;
  std::optional<ReceiverInbox::Rejection> rejection;  ///< the last one
  /// For the instructions: the receiver's URL, and where mail goes (may be empty).
  std::string base, mail;
  /// The browser loads the page again every five seconds.
  bool refresh = true;
};

std::string render(const ReceiverPage& page);
std::string render_single(const Notification& notification);

/// A page as an answer that lets nothing run and is not kept.
core::HttpResponse page_response(std::string html);

}  // namespace obsctl::verifiers
