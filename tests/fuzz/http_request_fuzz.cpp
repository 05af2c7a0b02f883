// libFuzzer target for the server's request reader: however the bytes are cut, the same requests come out,
// and what is kept stays within the limits. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/http_request.hpp"

using obsctl::core::RequestReader;

namespace {

constexpr std::size_t kMaxHeader = 512;
constexpr std::size_t kMaxBody = 256;

struct Reading {
  std::string requests;
  int failure = 0;
};

Reading read_in_pieces(std::string_view bytes, std::size_t piece) {
  RequestReader reader(kMaxHeader, kMaxBody);
  Reading reading;
  std::string pending;
  while (!bytes.empty()) {
    pending += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (!pending.empty()) {
      const std::size_t used = reader.read(pending);
      if (used > pending.size()) std::abort();
      pending.erase(0, used);
      reading.failure = reader.failure().status;
      if (reading.failure != 0) return reading;
      if (!reader.complete()) break;
      const auto request = reader.take();
      if (request.body().size() > kMaxBody) std::abort();
      for (const std::string_view part :
           {request.method(), request.target(), request.header("x"), request.body()})
        reading.requests.append(part).append("\n");
    }
    if (pending.size() > kMaxHeader) std::abort();
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = read_in_pieces(bytes, size + 1);
  for (const std::size_t piece : {1, 7, 64}) {
    const Reading cut = read_in_pieces(bytes, piece);
    // A trailer is only too large when too much of it is at hand at once, so there the cut matters.
    if (cut.failure == 431 || whole.failure == 431) continue;
    // What is wrong may be noticed later in pieces, when its line has come to an end, and then for another
    // reason; but nothing that is refused in one go may come out as a request in pieces, or the other way
    // round.
    if (cut.requests != whole.requests) std::abort();
  }
  return 0;
}
