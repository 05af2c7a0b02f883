#include "core/http_request.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace obsctl::core {

namespace http = boost::beast::http;

namespace {

/// Enough for what browsers and load tools send, so that most requests allocate once for their text.
constexpr std::size_t kUsualText = 512;
constexpr std::size_t kUsualFields = 8;

std::string_view view_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

constexpr RequestFailure kHeaderTooLarge{431, "the request's header is too large"};

/// No chunked body ends with less than "0\r\n\r\n", so a shorter rest can wait for more; Beast's parser
/// asserts that it never sees a final chunk that is cut shorter (basic_parser.ipp, parse_chunk_header).
constexpr std::size_t kSmallestChunkedRest = 5;

RequestFailure failure_for(const boost::beast::error_code& error) {
  if (error == http::error::header_limit) return kHeaderTooLarge;
  if (error == http::error::body_limit) return {413, "the request's body is too large"};
  if (error == http::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (error == http::error::bad_method) return {400, "the request's method cannot be read"};
  if (error == http::error::bad_target) return {400, "the request's target cannot be read"};
  if (error == http::error::bad_field || error == http::error::bad_value ||
      error == http::error::bad_obs_fold || error == http::error::bad_line_ending)
    return {400, "a header field cannot be read"};
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length)
    return {400, "Content-Length cannot be read, or contradicts another field"};
  if (error == http::error::bad_transfer_encoding)
    return {400, "Transfer-Encoding contradicts another field"};
  if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension)
    return {400, "a chunk of the body cannot be read"};
  return {400, "the request cannot be read"};
}

}  // namespace

/// Beast's parser for one message, storing into an HttpRequest.
class RequestParser final : public http::basic_parser<true> {
 public:
  RequestParser(std::size_t max_header, std::size_t max_body) : max_header_(max_header) {
    header_limit(static_cast<std::uint32_t>(max_header));
    body_limit(max_body);
    request_.text_.reserve(kUsualText);
    request_.fields_.reserve(kUsualFields);
  }

  HttpRequest take() {
    request_.keep_alive_ = keep_alive();
    return std::move(request_);
  }
  bool wants_continue() {
    const bool wants =
        expects_continue_ && is_header_done() && !is_done() && !saw_body_ && !request_.http_1_0_;
    if (wants) expects_continue_ = false;
    return wants;
  }
  const RequestFailure& refused() const { return refused_; }

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  HttpRequest::Span keep(std::string_view text) {
    const HttpRequest::Span span{static_cast<std::uint32_t>(request_.text_.size()),
                                 static_cast<std::uint32_t>(text.size())};
    request_.text_ += text;
    return span;
  }
  void refuse(int status, std::string_view reason, error_code& error) {
    refused_ = {status, reason};
    error = http::error::bad_value;
  }

  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    request_.method_ = keep(view_of(method));
    request_.target_ = keep(view_of(target));
    request_.http_1_0_ = version < 11;
  }

  void on_field_impl(http::field field, string_view name, string_view value, error_code& error) override {
    if (in_trailer_) {
      trailer_size_ += name.size() + value.size() + 4;
      if (trailer_size_ > max_header_) error = http::error::header_limit;
      return;
    }
    if (field == http::field::host && ++hosts_ > 1) refuse(400, "there is more than one Host field", error);
    if (field == http::field::transfer_encoding && !equal_without_case(view_of(value), "chunked"))
      refuse(501, "the only transfer coding known here is chunked", error);
    if (field == http::field::expect) {
      if (equal_without_case(view_of(value), "100-continue")) {
        expects_continue_ = true;
      } else {
        refuse(417, "the only expectation known here is 100-continue", error);
      }
    }
    const HttpRequest::Span kept = keep(view_of(name));
    request_.fields_.push_back({kept, keep(view_of(value))});
  }

  void on_header_impl(error_code& error) override {
    in_trailer_ = true;
    if (hosts_ == 0 && !request_.http_1_0_) refuse(400, "the Host field is missing", error);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // A promise, not yet a body: keep what a stranger can make us reserve small.
    if (length) request_.body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 64u << 10)));
  }
  std::size_t on_body_impl(string_view body, error_code&) override {
    saw_body_ = true;
    request_.body_.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override { saw_body_ = true; }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  const std::size_t max_header_;
  HttpRequest request_;
  RequestFailure refused_;
  std::size_t trailer_size_ = 0;
  int hosts_ = 0;
  bool in_trailer_ = false;
  bool expects_continue_ = false;
  bool saw_body_ = false;
};

std::string_view HttpRequest::header(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name.size == name.size() && equal_without_case(view(field.name), name))
      return view(field.value);
  }
  return {};
}

RequestReader::RequestReader(std::size_t max_header, std::size_t max_body)
    : max_header_(max_header), max_body_(max_body) {}
RequestReader::~RequestReader() = default;

std::size_t RequestReader::read(std::string_view bytes) {
  std::size_t used = 0;
  if (!parser_) {
    // RFC 9112, 2.2: empty lines before a request line are to be ignored.
    while (used < bytes.size() && (bytes[used] == '\r' || bytes[used] == '\n')) ++used;
    if (used == bytes.size()) return used;
    parser_ = std::make_unique<RequestParser>(max_header_, max_body_);
    header_size_ = 0;
  }
  // The header by itself first, so that its size is known as a whole: Beast limits what it looks at in one
  // go, which a client that sends field by field would never exceed.
  if (!parser_->is_header_done()) {
    const std::size_t header_part = put(bytes.substr(used));
    header_size_ += header_part;
    used += header_part;
    const std::size_t known = parser_->is_header_done() ? header_size_ : header_size_ + bytes.size() - used;
    if (known > max_header_ && failure_.status == 0) failure_ = kHeaderTooLarge;
  }
  if (failure_.status == 0 && parser_->is_header_done() && !parser_->is_done() &&
      bytes.size() - used >= (parser_->chunked() ? kSmallestChunkedRest : 1)) {
    used += put(bytes.substr(used));
    // What is left over now is part of a chunk's line or of the trailer, on which Beast has no limit.
    if (!parser_->is_done() && bytes.size() - used > max_header_ && failure_.status == 0)
      failure_ = kHeaderTooLarge;
  }
  return used;
}

std::size_t RequestReader::put(std::string_view bytes) {
  boost::beast::error_code error;
  const std::size_t used = parser_->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  parser_->eager(parser_->is_header_done());
  if (error && error != http::error::need_more)
    failure_ = parser_->refused().status != 0 ? parser_->refused() : failure_for(error);
  return used;
}

bool RequestReader::complete() const {
  return parser_ && failure_.status == 0 && parser_->is_done();
}

bool RequestReader::midway() const {
  return parser_ && !parser_->is_done();
}

bool RequestReader::wants_continue() {
  return parser_ && parser_->wants_continue();
}

HttpRequest RequestReader::take() {
  HttpRequest request = parser_->take();
  parser_.reset();
  return request;
}

}  // namespace obsctl::core
