#include "stacks/proxy/tunnel.hpp"

namespace obsctl::stacks {

namespace {

/// Reads of one connection before others get their turn.
constexpr int kTurns = 4;

}  // namespace

Tunnel::Tunnel(SessionHost& host, Stream& client, Stream& upstream)
    : host_(host), client_(client), upstream_(upstream), to_client_(client), last_byte_(host.loop.now()) {}

bool Tunnel::advance() {
  for (int turn = 0; turn < kTurns; ++turn) {
    const bool up = pass_up();
    const bool down = pass_down();
    if (!up && !down) break;
    if (turn + 1 == kTurns) return true;
  }
  next_release_ = to_client_.release(host_.loop.now());
  if (client_.ended()) upstream_.end();
  if (upstream_.ended() && to_client_.empty()) client_.end();
  return false;
}

bool Tunnel::pass_up() {
  if (!upstream_.open() || !client_.readable() || !upstream_.clear_to_write()) return false;
  const std::string_view bytes = client_.read(host_.scratch.data(), host_.scratch.size());
  if (bytes.empty()) return false;
  upstream_.write(bytes);
  host_.metrics.to_upstream(bytes.size());
  last_byte_ = host_.loop.now();
  return true;
}

bool Tunnel::pass_down() {
  if (!upstream_.readable() || !to_client_.clear_to_write()) return false;
  const std::string_view bytes = upstream_.read(host_.scratch.data(), host_.scratch.size());
  if (bytes.empty()) return false;
  to_client_.write(bytes, host_.loop.now());
  host_.metrics.to_client(bytes.size());
  last_byte_ = host_.loop.now();
  return true;
}

bool Tunnel::over() const {
  if (client_.failed() || (upstream_.failed() && to_client_.empty())) return true;
  if (to_client_.cut_off() && client_.clear_to_write()) return true;
  return client_.end_sent() && upstream_.end_sent();
}

void Tunnel::hand_on_failure() {
  if (upstream_.failed()) client_.reset();
  if (client_.failed()) upstream_.reset();
}

bool Tunnel::quiet() const {
  return to_client_.empty() && client_.clear_to_write() && upstream_.clear_to_write();
}

}  // namespace obsctl::stacks
