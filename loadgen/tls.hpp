// TLS as a filter between bytes and bytes: OpenSSL with memory on both sides, so that the connection's
// reading and writing is the same with and without it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "loadgen/plan.hpp"

// OpenSSL's own names for its handles.
struct ssl_st;
struct ssl_ctx_st;

namespace obsctl::loadgen {

/// Certificates and settings, shared by all connections of a thread.
class TlsContext {
 public:
  /// Errors: not_found, invalid_input, naming the file.
  static core::Result<TlsContext> create(const TlsOptions& options, const std::string& host);
  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

 private:
  friend class TlsSession;
  TlsContext();
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string server_name_;
  bool verify_ = true;
};

/// One connection's TLS.
class TlsSession {
 public:
  explicit TlsSession(const TlsContext& context);

  enum class State { handshake, open, failed, closed };
  State state() const { return state_; }
  /// Takes bytes from the peer and goes on with the handshake.
  void receive(std::string_view encrypted);
  /// Decrypted bytes, as many as there are room for; 0 when there are none (look at state() then).
  std::size_t read(char* buffer, std::size_t size);
  /// Encrypts; the bytes for the peer are in output().
  void write(std::string_view plain);
  /// What must be sent to the peer; the caller clears what it has sent.
  std::string& output() { return output_; }
  /// Why it failed, for counting: a certificate that does not verify is named as such.
  const std::string& failure() const { return failure_; }

 private:
  void step();
  void collect_output();
  void fail();
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  std::unique_ptr<ssl_st, Free> ssl_;
  State state_ = State::handshake;
  std::string output_;
  std::string failure_;
};

}  // namespace obsctl::loadgen
