// The requests of a plan, compiled: which one is arrival i's, and the bytes that go out for it. A request
// without placeholders is rendered once; one with them into a buffer that the caller keeps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "loadgen/plan.hpp"
#include "loadgen/request_text.hpp"

namespace obsctl::loadgen {

/// One compiled request.
struct MixEntry {
  std::size_t endpoint = 0;  ///< index into RequestMix::endpoints()
  std::string method;
  bool head = false;        ///< the answer has no body
  bool repeatable = false;  ///< idempotent: may be sent again when a kept connection turns out to be closed
  bool fixed = false;
  std::string wire;  ///< when fixed
  RequestText path;
  std::vector<std::pair<std::string, RequestText>> headers;
  RequestText body;
  bool sends_body = false;
  Checks checks;
};

class RequestMix {
 public:
  /// Errors: invalid_input, naming the request: a method or header that is not HTTP, a URL elsewhere, a
  /// weight below one, a placeholder that is not known.
  static core::Result<RequestMix> compile(const LoadPlan& plan);

  /// Which entry arrival `i` sends: by weight and seed, or in order.
  std::size_t pick(std::int64_t i) const;
  const MixEntry& entry(std::size_t index) const { return entries_[index]; }
  std::size_t size() const { return entries_.size(); }

  /// The HTTP/1.1 request of arrival `i`: a view of the fixed text, or of `buffer`, which is filled.
  std::string_view render(std::size_t entry, std::int64_t i, std::string& buffer) const;
  /// One part of it, for a transport with its own framing.
  std::string render_part(const RequestText& part, std::int64_t i) const;

  /// Names for the results; the last is "(others)" when there are more than kMaxEndpoints.
  const std::vector<std::string>& endpoints() const { return endpoints_; }
  /// How many requests there can be; 0: no limit (only a feeder with unique rows sets one).
  std::int64_t limit() const { return limit_; }

  static constexpr std::size_t kMaxEndpoints = 64;

 private:
  core::Result<MixEntry> compile_entry(const LoadPlan& plan, const RequestSpec& spec);
  std::size_t endpoint_named(const std::string& name);
  std::size_t row_for(std::int64_t i) const;

  std::vector<MixEntry> entries_;
  std::vector<std::int64_t> weights_up_to_;
  bool in_order_ = false;
  std::vector<std::string> endpoints_;
  std::optional<Feeder> feeder_;
  std::vector<std::uint32_t> row_order_;
  std::int64_t limit_ = 0;
  std::uint64_t seed_ = 0;
  std::string authority_;
  bool keep_alive_ = true;
};

}  // namespace obsctl::loadgen
