// Bytes in, HTTP/1.1 requests out. Boost.Beast's parser does the reading (and is only named in
// http_request.cpp); what it leaves open is closed here: the total size of the header, chunk lines without
// end, transfer codings that we do not know, and the Host field.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace obsctl::core {

/// A request that has been read. Its text is kept in one string, so that a request costs few allocations.
class HttpRequest {
 public:
  std::string_view method() const { return view(method_); }
  std::string_view target() const { return view(target_); }
  /// The first field of that name, compared without case; empty when there is none.
  std::string_view header(std::string_view name) const;
  std::string_view body() const { return body_; }
  bool keep_alive() const { return keep_alive_; }
  bool is_http_1_0() const { return http_1_0_; }

 private:
  friend class RequestParser;
  struct Span {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Span name;
    Span value;
  };
  std::string_view view(Span span) const { return std::string_view(text_).substr(span.offset, span.size); }

  std::string text_;
  std::vector<Field> fields_;
  std::string body_;
  Span method_;
  Span target_;
  bool keep_alive_ = true;
  bool http_1_0_ = false;
};

/// What a client is told when its request cannot be read. `status` 0: nothing is wrong.
struct RequestFailure {
  int status = 0;
  std::string_view reason;
};

class RequestReader {
 public:
  RequestReader(std::size_t max_header, std::size_t max_body);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Reads at most one request; returns how many bytes were used. The rest has to be offered again, followed
  /// by more.
  std::size_t read(std::string_view bytes);
  /// A request is complete: take() it before reading on.
  bool complete() const;
  /// The request cannot be read; the connection cannot be used any further.
  const RequestFailure& failure() const { return failure_; }
  /// The first byte of a request has come, the last has not.
  bool midway() const;
  /// True once a request when the client waits for "100 Continue" before it sends the body.
  bool wants_continue();
  HttpRequest take();

 private:
  std::size_t put(std::string_view bytes);

  const std::size_t max_header_;
  const std::size_t max_body_;
  std::size_t header_size_ = 0;
  std::unique_ptr<class RequestParser> parser_;  ///< of the request that has begun
  RequestFailure failure_;
};

}  // namespace obsctl::core
