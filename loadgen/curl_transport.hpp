// HTTP/2 through libcurl's multi interface, behind the same Transport as HTTP/1.1: streams of few connections
// instead of many connections. Slower than Http1Transport (some four times the CPU a request), which is what
// libcurl costs.
#pragma once

#include <memory>

#include "core/error.hpp"
#include "loadgen/plan.hpp"
#include "loadgen/poller.hpp"
#include "loadgen/request_mix.hpp"
#include "loadgen/transport.hpp"

namespace obsctl::loadgen {

/// Everything given by reference outlives the transport. Limits::in_flight of 0 stands for 1000 streams.
std::unique_ptr<Transport> make_curl_transport(Poller& poller, const LoadPlan& plan, const RequestMix& mix,
                                               Limits limits, TransportEvents& events);

/// Whether this machine's libcurl can do what the plan asks of it. Errors: unavailable, with a way out.
core::Result<void> check_curl(const LoadPlan& plan);

}  // namespace obsctl::loadgen
