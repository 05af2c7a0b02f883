// Where a plan's connections go: the target itself, --connect-to's address, or a Unix socket.
#pragma once

#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>

#include "loadgen/plan.hpp"

namespace obsctl::loadgen {

using Endpoint = boost::asio::generic::stream_protocol::endpoint;

/// Where the plan's connections go, resolved: at least one. Errors: unavailable, invalid_input.
core::Result<std::vector<Endpoint>> resolve_target(const LoadPlan& plan);

}  // namespace obsctl::loadgen
