// The HTTP client over libcurl's multi interface: one transfer at a time, driven by our own loop, so that a
// stop token can wake it (curl_multi_wakeup) and a deadline always ends it. Connections stay open in the
// multi handle's cache. This is the only file that includes curl; parse_url uses curl's URL parser, so that
// what we check is what is called.
#include "core/http_client.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>

#include <curl/curl.h>
#include <fmt/format.h>
#include <strings.h>

namespace obsctl::core {

std::string without_credentials(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", start), url.size());
  const std::size_t at = url.substr(start, end - start).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return fmt::format("{}{}", url.substr(0, start), url.substr(start + at + 1));
}

namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};
struct MultiDeleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using UrlHandle = std::unique_ptr<CURLU, CurlDeleter>;
using CurlText = std::unique_ptr<char, CurlDeleter>;
using HeaderList = std::unique_ptr<curl_slist, CurlDeleter>;

/// curl_global_init is neither thread-safe everywhere nor free; a function's static is initialised exactly
/// once.
CURLcode initialise_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  return code;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_loopback(std::string_view host) {
  constexpr std::string_view suffix = ".localhost";
  if (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos)
    return true;
  return host == "localhost" || host == "::1" ||
         (host.size() > suffix.size() &&
          equal_without_case(host.substr(host.size() - suffix.size()), suffix));
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || marks.find(c) != std::string_view::npos;
  });
}

/// What the callbacks fill in.
struct Transfer {
  HttpReply reply;
  std::size_t max_body = 0;
  bool too_long = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (size > transfer.max_body - transfer.reply.body.size()) {
    transfer.too_long = true;
    return 0;
  }
  transfer.reply.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& headers = static_cast<Transfer*>(user)->reply.headers;
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  // A status line starts a new answer: what came before it was a 1xx, or the proxy's.
  if (line.starts_with("HTTP/")) {
    headers.clear();
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
  return size;
}

Result<HeaderList> build_headers(const HttpCall& call) {
  HeaderList list;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;
    static_cast<void>(list.release());
    list.reset(longer);
  };
  bool has_type = false;
  for (const HttpHeader& header : call.headers) {
    if (!is_token(header.name) ||
        header.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return make_error(ErrorKind::usage,
                        fmt::format("the header \"{}\" cannot be sent: its name or value holds a "
                                    "character that headers cannot hold",
                                    header.name));
    }
    has_type = has_type || equal_without_case(header.name, "Content-Type");
    // curl reads "Name:" as "leave this header out" and "Name;" as "send it empty".
    append(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  if (!has_type) append("Content-Type:");  // curl would claim a form
  append("Expect:");                       // no 100-continue round trip for large bodies
  return list;
}

/// The cause as a sentence's end, and what kind of error it is.
Error error_of(CURLcode code, const HttpCall& call, const Transfer& transfer, CURL* easy,
               const char* detail) {
  const std::string what = fmt::format("{} {}", call.method, without_credentials(call.url));
  const auto fail = [&](ErrorKind kind, std::string_view cause, std::string hint = {}) {
    return make_error(kind, fmt::format("{}: {}", what, cause), std::move(hint));
  };
  const std::string text = detail[0] != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return fail(ErrorKind::timeout,
                  fmt::format("no complete answer within {}", format_duration(call.timeout)));
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return fail(ErrorKind::unavailable, "the host's name cannot be resolved", "check the host's name");
    case CURLE_COULDNT_CONNECT: {
      long number = 0;
      curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
      if (number == 0) return fail(ErrorKind::unavailable, fmt::format("cannot connect: {}", text));
      return fail(ErrorKind::unavailable,
                  fmt::format("cannot connect: {}", std::strerror(static_cast<int>(number))),
                  "check the address, and that something listens there");
    }
    case CURLE_GOT_NOTHING:
      return fail(ErrorKind::unavailable, "the connection was closed without an answer");
    case CURLE_PARTIAL_FILE:
      return fail(ErrorKind::unavailable, "the connection was closed in the middle of the answer");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return fail(ErrorKind::unavailable, fmt::format("the connection was lost: {}", text));
    case CURLE_WRITE_ERROR:
      if (transfer.too_long) {
        return fail(ErrorKind::protocol, fmt::format("the answer is longer than {} bytes", call.max_body));
      }
      return fail(ErrorKind::protocol, text);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return fail(ErrorKind::unavailable, fmt::format("TLS: {}", text));
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return fail(ErrorKind::internal, text);
    default:
      return fail(ErrorKind::protocol, text);
  }
}

void set_method(CURL* easy, const HttpCall& call) {
  const bool has_body =
      !call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH";
  if (call.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.data());
  }
  if (call.method != (has_body ? "POST" : "GET"))
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

/// Everything but the callbacks' data. `easy` has been reset before.
void set_options(CURL* easy, const HttpCall& call, bool loopback) {
  curl_easy_setopt(easy, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "http");  // as parse_url reads it
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "obsctl");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a cancelled call does not wait for a resolver's thread
#endif
  if (loopback) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(call.timeout).count();
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(millis));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(millis));
  set_method(easy, call);
}

/// Wakes the transfer's loop; curl_multi_wakeup is the one function of a multi handle that another thread may
/// call.
struct Wake {
  CURLM* multi;
  void operator()() const { curl_multi_wakeup(multi); }
};

}  // namespace

struct HttpClient::State {
  std::unique_ptr<CURLM, MultiDeleter> multi;
  std::unique_ptr<CURL, CurlDeleter> easy;

  /// Runs the transfer set up in `easy` until it ends, `deadline` passes (CURLE_OPERATION_TIMEDOUT) or `stop`
  /// is triggered (nothing).
  std::optional<CURLcode> drive(std::chrono::steady_clock::time_point deadline, const std::stop_token& stop);
};

std::optional<CURLcode> HttpClient::State::drive(std::chrono::steady_clock::time_point deadline,
                                                 const std::stop_token& stop) {
  const std::stop_callback wake(stop, Wake{multi.get()});
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (stop.stop_requested()) return std::nullopt;
    // curl's own timer ends the transfer first; this one is for whatever curl may be stuck in.
    const auto rest = deadline - std::chrono::steady_clock::now();
    if (rest <= Nanoseconds::zero()) return CURLE_OPERATION_TIMEDOUT;
    const auto millis =
        std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(rest).count(), 1000);
    if (curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(millis), nullptr) != CURLM_OK) {
      return CURLE_FAILED_INIT;
    }
  }
}

HttpClient::HttpClient() : state_(std::make_unique<State>()) {
  if (initialise_curl() != CURLE_OK) return;
  state_->multi.reset(curl_multi_init());
  state_->easy.reset(curl_easy_init());
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::call(const HttpCall& call, const std::stop_token& stop) {
  const std::string what = fmt::format("{} {}", call.method, without_credentials(call.url));
  if (!is_token(call.method)) {
    return make_error(ErrorKind::usage, fmt::format("\"{}\" is not an HTTP method", call.method));
  }
  const auto url = parse_url(call.url);
  if (!url) return make_error(ErrorKind::usage, url.error().message, url.error().hint);
  auto headers = build_headers(call);
  if (!headers) return headers.error();
  if (stop.stop_requested()) return make_error(ErrorKind::cancelled, what + ": cancelled");
  if (call.timeout <= Nanoseconds::zero())
    return make_error(ErrorKind::timeout, what + ": no time was left for it");
  if (!state_->multi || !state_->easy)
    return make_error(ErrorKind::internal, what + ": libcurl cannot be initialised");

  Transfer transfer;
  transfer.max_body = call.max_body;
  std::array<char, CURL_ERROR_SIZE> detail{};
  CURL* easy = state_->easy.get();
  curl_easy_reset(easy);
  set_options(easy, call, is_loopback(url->host));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers->get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);

  const auto begin = std::chrono::steady_clock::now();
  const auto slack = std::chrono::milliseconds(5);
  if (curl_multi_add_handle(state_->multi.get(), easy) != CURLM_OK) {
    return make_error(ErrorKind::internal, what + ": libcurl does not take the call");
  }
  const auto code = state_->drive(begin + call.timeout + slack, stop);
  transfer.reply.elapsed = std::chrono::steady_clock::now() - begin;
  curl_multi_remove_handle(state_->multi.get(), easy);
  // The handle outlives this call's buffers; it must not keep pointers to them.
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  if (!code) return make_error(ErrorKind::cancelled, what + ": cancelled");
  if (*code != CURLE_OK) return error_of(*code, call, transfer, easy, detail.data());
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<int>(status);
  return std::move(transfer.reply);
}

std::string_view HttpReply::header(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (equal_without_case(header.name, name)) return header.value;
  }
  return {};
}

std::string Url::authority() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

namespace {

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return {};
  const CurlText owner(text);
  return text;
}

std::string reason_of(CURLUcode code) {
  switch (code) {
    case CURLUE_BAD_PORT_NUMBER:
      return "the port is not a number from 0 to 65535";
    case CURLUE_NO_HOST:
      return "the host is missing";
    default:
      return std::string("it cannot be read: ") + curl_url_strerror(code);
  }
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [&](std::string_view reason) {
    // Of what is no URL nobody knows where a password ends.
    const std::string_view scheme = text.starts_with("http://")    ? "http://"
                                    : text.starts_with("https://") ? "https://"
                                                                   : "";
    const std::size_t host = std::max(text.rfind('@') + 1, scheme.size());
    return make_error(ErrorKind::invalid_input,
                      fmt::format("\"{}{}\" is not a URL: {}", scheme, text.substr(host), reason),
                      "write it as http://host:port/path");
  };
  if (text.empty()) return refuse("it is empty");
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; })) {
    return refuse("it holds a space or a control character");
  }
  std::string full(text);
  if (const std::size_t scheme = text.find("://");
      scheme == std::string_view::npos || scheme > text.find_first_of("/?#")) {
    full = "http://" + full;
  } else if (!equal_without_case(text.substr(0, scheme), "http") &&
             !equal_without_case(text.substr(0, scheme), "https")) {
    return refuse("the scheme is neither http nor https");
  }
  // curl skips a third slash and takes the path's first segment for the host.
  if (full[full.find("://") + 3] == '/') return refuse("the host is missing");
  const UrlHandle handle(curl_url());
  if (!handle) return make_error(ErrorKind::internal, "libcurl is out of memory");
  if (const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, full.c_str(), 0); code != CURLUE_OK) {
    return refuse(reason_of(code));
  }
  Url url;
  url.scheme = part_of(handle.get(), CURLUPART_SCHEME);
  url.host = part_of(handle.get(), CURLUPART_HOST);
  if (url.host.empty()) return refuse("the host is missing");
  if (url.host.size() > 2 && url.host.front() == '[') url.host = url.host.substr(1, url.host.size() - 2);
  url.port =
      static_cast<std::uint16_t>(std::stoul("0" + part_of(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)));
  url.target = part_of(handle.get(), CURLUPART_PATH);
  if (url.target.empty()) url.target = "/";
  if (const std::string query = part_of(handle.get(), CURLUPART_QUERY); !query.empty())
    url.target += "?" + query;
  return url;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view unreserved_marks = "-._~";
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Not isalnum: that depends on the locale.
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       unreserved_marks.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
    }
  }
  return out;
}

}  // namespace obsctl::core
