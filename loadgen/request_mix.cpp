// Compiles requests and chooses among them.
#include "loadgen/request_mix.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace obsctl::loadgen {

namespace {

core::Error bad_request(const RequestSpec& spec, std::string_view why, std::string hint = {}) {
  return core::make_error(
      core::ErrorKind::invalid_input,
      fmt::format("the request \"{}\" {}", spec.name.empty() ? spec.path : spec.name, why), std::move(hint));
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMore = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMore.find(c) != std::string_view::npos;
  });
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool has_header(const std::vector<core::HttpHeader>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& h) { return same_name(h.name, name); });
}

/// A path as it goes on the wire; a whole URL must lead to the plan's target.
core::Result<std::string> path_of(const LoadPlan& plan, const RequestSpec& spec) {
  if (spec.path.empty()) return std::string("/");
  if (spec.path.find("://") == std::string::npos || spec.path.front() == '/') {
    if (spec.path.front() != '/' && spec.path != "*") return "/" + spec.path;
    return spec.path;
  }
  const auto url = core::parse_url(spec.path);
  if (!url) return url.error();
  if (url->authority() != plan.target.authority() || url->scheme != plan.target.scheme) {
    return bad_request(spec,
                       fmt::format("goes to {}://{}, but one run loads one target, {}://{}", url->scheme,
                                   url->authority(), plan.target.scheme, plan.target.authority()),
                       "start one run for each host");
  }
  return url->target;
}

}  // namespace

std::size_t RequestMix::endpoint_named(const std::string& name) {
  const auto found = std::find(endpoints_.begin(), endpoints_.end(), name);
  if (found != endpoints_.end()) return static_cast<std::size_t>(found - endpoints_.begin());
  if (endpoints_.size() >= kMaxEndpoints) {
    endpoints_.back() = "(others)";
    return endpoints_.size() - 1;
  }
  endpoints_.push_back(name);
  return endpoints_.size() - 1;
}

core::Result<MixEntry> RequestMix::compile_entry(const LoadPlan& plan, const RequestSpec& spec) {
  const Feeder* feeder = feeder_ ? &*feeder_ : nullptr;
  if (!is_token(spec.method)) return bad_request(spec, fmt::format("has the method \"{}\"", spec.method));
  if (spec.weight < 1)
    return bad_request(spec, fmt::format("has the weight {}", spec.weight), "weights are 1 or more");
  const auto target = path_of(plan, spec);
  if (!target) return target.error();
  if (std::any_of(target->begin(), target->end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return bad_request(spec, "has a control character in its path", "percent-encode it");
  }
  MixEntry entry;
  const std::string name =
      spec.name.empty() ? fmt::format("{} {}", spec.method, target->substr(0, target->find('?'))) : spec.name;
  entry.endpoint = endpoint_named(name);
  entry.method = spec.method;
  entry.head = spec.method == "HEAD";
  entry.repeatable = spec.method != "POST" && spec.method != "PATCH";
  entry.checks = spec.checks;
  entry.sends_body =
      !spec.body.empty() || spec.method == "POST" || spec.method == "PUT" || spec.method == "PATCH";

  std::string wire_path = *target;
  std::string::size_type blank = 0;
  while (wire_path.find("{{") == std::string::npos && (blank = wire_path.find(' ')) != std::string::npos) {
    wire_path.replace(blank, 1, "%20");
  }
  auto path = RequestText::compile(wire_path, feeder, RequestText::Place::path);
  if (!path) return path.error();
  entry.path = std::move(*path);
  auto body = RequestText::compile(spec.body, feeder, RequestText::Place::body);
  if (!body) return body.error();
  entry.body = std::move(*body);

  std::vector<core::HttpHeader> headers = spec.headers;
  for (const core::HttpHeader& header : plan.headers) {
    if (!has_header(spec.headers, header.name)) headers.push_back(header);
  }
  if (!has_header(headers, "user-agent")) headers.push_back({"User-Agent", "obsctl"});
  if (!has_header(headers, "accept")) headers.push_back({"Accept", "*/*"});
  entry.fixed = entry.path.is_fixed() && entry.body.is_fixed();
  for (const core::HttpHeader& header : headers) {
    if (!is_token(header.name) || header.value.find_first_of("\r\n") != std::string::npos) {
      return bad_request(spec, fmt::format("has the header \"{}\", which is not HTTP", header.name));
    }
    auto value = RequestText::compile(header.value, feeder, RequestText::Place::header);
    if (!value) return value.error();
    entry.fixed = entry.fixed && value->is_fixed();
    entry.headers.emplace_back(header.name, std::move(*value));
  }
  return entry;
}

core::Result<RequestMix> RequestMix::compile(const LoadPlan& plan) {
  RequestMix mix;
  mix.feeder_ = plan.feeder;
  mix.in_order_ = plan.mix_in_order;
  mix.seed_ = plan.seed;
  mix.authority_ = plan.target.authority();
  const bool usual_port = plan.target.port == (plan.target.scheme == "https" ? 443 : 80);
  if (usual_port) mix.authority_ = mix.authority_.substr(0, mix.authority_.rfind(':'));
  mix.keep_alive_ = plan.keep_alive;
  if (mix.feeder_) {
    if (mix.feeder_->rows.empty()) {
      return core::make_error(core::ErrorKind::invalid_input, "the feeder has no rows");
    }
    mix.row_order_.resize(mix.feeder_->rows.size());
    std::iota(mix.row_order_.begin(), mix.row_order_.end(), 0u);
    if (mix.feeder_->order == Feeder::Order::shuffled) {
      for (std::size_t k = mix.row_order_.size(); k > 1; --k) {
        std::swap(mix.row_order_[k - 1], mix.row_order_[mixed(plan.seed, k) % k]);
      }
    }
    if (mix.feeder_->order == Feeder::Order::unique)
      mix.limit_ = static_cast<std::int64_t>(mix.row_order_.size());
  }
  std::vector<RequestSpec> specs = plan.mix;
  if (specs.empty()) {
    specs.emplace_back();
    specs.back().path = plan.target.target;
  }
  std::int64_t weights = 0;
  for (const RequestSpec& spec : specs) {
    auto entry = mix.compile_entry(plan, spec);
    if (!entry) return entry.error();
    weights += spec.weight;
    mix.weights_up_to_.push_back(weights);
    mix.entries_.push_back(std::move(*entry));
  }
  for (std::size_t k = 0; k < mix.entries_.size(); ++k) {
    if (!mix.entries_[k].fixed) continue;
    std::string wire;
    mix.entries_[k].fixed = false;  // render it for real, once
    mix.render(k, 0, wire);
    mix.entries_[k].wire = std::move(wire);
    mix.entries_[k].fixed = true;
  }
  return mix;
}

std::size_t RequestMix::pick(std::int64_t i) const {
  if (entries_.size() == 1) return 0;
  if (in_order_) return static_cast<std::size_t>(i) % entries_.size();
  const auto total = static_cast<std::uint64_t>(weights_up_to_.back());
  const auto draw = static_cast<std::int64_t>(mixed(seed_, static_cast<std::uint64_t>(i)) % total);
  const auto found = std::upper_bound(weights_up_to_.begin(), weights_up_to_.end(), draw);
  return static_cast<std::size_t>(found - weights_up_to_.begin());
}

std::size_t RequestMix::row_for(std::int64_t i) const {
  return feeder_ ? row_order_[static_cast<std::size_t>(i) % row_order_.size()] : 0;
}

std::string RequestMix::render_part(const RequestText& part, std::int64_t i) const {
  std::string out;
  part.append(out, seed_, i, feeder_ ? &*feeder_ : nullptr, row_for(i));
  return out;
}

std::string_view RequestMix::render(std::size_t index, std::int64_t i, std::string& out) const {
  const MixEntry& entry = entries_[index];
  if (entry.fixed) return entry.wire;
  const Feeder* feeder = feeder_ ? &*feeder_ : nullptr;
  const std::size_t row = row_for(i);
  out.clear();
  out.append(entry.method).append(" ");
  entry.path.append(out, seed_, i, feeder, row);
  out.append(" HTTP/1.1\r\n");
  bool has_host = false;
  for (const auto& [name, value] : entry.headers) {
    if (same_name(name, "content-length")) continue;
    has_host = has_host || same_name(name, "host");
    out.append(name).append(": ");
    value.append(out, seed_, i, feeder, row);
    out.append("\r\n");
  }
  if (!has_host) out.append("Host: ").append(authority_).append("\r\n");
  if (!keep_alive_) out.append("Connection: close\r\n");
  if (!entry.sends_body) {
    out.append("\r\n");
    return out;
  }
  out.append("Content-Length: ");
  const std::size_t length_at = out.size();
  out.append("\r\n\r\n");
  const std::size_t body_at = out.size();
  entry.body.append(out, seed_, i, feeder, row);
  const fmt::format_int length(out.size() - body_at);  // known only now, and stands before the body
  out.insert(length_at, length.data(), length.size());
  return out;
}

}  // namespace obsctl::loadgen
