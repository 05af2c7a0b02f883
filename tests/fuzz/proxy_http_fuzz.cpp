// libFuzzer target for what the fault proxy reads: however the bytes are cut, requests end at the same
// places; and where the server's request reader, a parser of quite another make, takes the same bytes for a
// request too, it sees its end at the same place. A difference would be a way to smuggle a request past the
// proxy. Build and run: make fuzz.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http_request.hpp"
#include "stacks/proxy/http_body.hpp"
#include "stacks/proxy/http_head.hpp"

using namespace obsctl;

namespace {

std::size_t empty_lines(std::string_view bytes) {
  return std::min(bytes.find_first_not_of("\r\n"), bytes.size());
}

/// The ends of the requests in `bytes`, as the proxy sees them, up to the first that it refuses.
std::vector<std::size_t> ends_by_proxy(std::string_view bytes, std::size_t piece) {
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  for (;;) {
    at += empty_lines(bytes.substr(at));
    std::size_t searched = 0;
    std::size_t size = std::string_view::npos;
    for (std::size_t there = piece; size == std::string_view::npos; there += piece) {
      const std::string_view seen = bytes.substr(at, there);
      size = stacks::head_size(seen, searched);
      if (size == std::string_view::npos && seen.size() < there) return ends;
    }
    const auto head = stacks::parse_request_head(bytes.substr(at, size));
    if (!head) return ends;
    std::string forwarded;
    stacks::append_forwarded(forwarded, bytes.substr(at, size), head->dropped, {});
    const auto again = stacks::parse_request_head(forwarded);
    // Dropping what Connection names must not change what the message is.
    if (!again || again->body != head->body || again->target != head->target) std::abort();
    at += size;
    stacks::BodyReader body;
    body.start(head->body);
    while (!body.done() && !body.failed() && at < bytes.size()) at += body.take(bytes.substr(at, piece));
    if (!body.done()) return ends;
    ends.push_back(at);
  }
}

/// The same by the server's reader.
std::vector<std::size_t> ends_by_server(std::string_view bytes) {
  core::RequestReader reader(1u << 20, 1u << 20);
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t used = reader.read(bytes.substr(at));
    at += used;
    if (reader.failure().status != 0) break;
    if (reader.complete()) {
      reader.take();
      ends.push_back(at);
    } else if (used == 0) {
      break;
    }
  }
  return ends;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::size_t> whole = ends_by_proxy(bytes, size + 1);
  for (const std::size_t piece : {1, 7, 64}) {
    if (ends_by_proxy(bytes, piece) != whole) std::abort();
  }
  const std::vector<std::size_t> other = ends_by_server(bytes);
  const std::size_t both = std::min(whole.size(), other.size());
  if (!std::equal(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(both), other.begin()))
    std::abort();
  for (const auto to : {stacks::AnswerTo::head, stacks::AnswerTo::connect, stacks::AnswerTo::other}) {
    std::size_t searched = 0;
    const std::size_t head = stacks::head_size(bytes, searched);
    if (head != std::string_view::npos) (void)stacks::parse_response_head(bytes.substr(0, head), to);
  }
  return 0;
}
