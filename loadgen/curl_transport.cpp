// The only file of loadgen/ that knows libcurl. Curl says which sockets it wants watched and when it wants to
// be called; its sockets live in an epoll of their own, level-triggered as curl expects, which the sending
// thread's Poller watches.
#include "loadgen/curl_transport.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace obsctl::loadgen {

namespace {

constexpr int kStreams = 1000;
constexpr int kStreamsPerConnection = 100;  ///< curl's own limit, and what RFC 9113 asks servers to allow

/// A stream's state; its handle is used again and again.
struct Stream {
  CURL* handle = nullptr;
  curl_slist* headers = nullptr;
  Exchange exchange;
  std::string body;    ///< of the request
  std::string answer;  ///< its beginning, when a check wants it
  std::string answer_headers;
  std::size_t keep = 0;
  bool keep_headers = false;
  std::int64_t received = 0;
};

/// Holds back what sockets send while it lives. Curl writes a request's headers and its body apart, and a
/// server may answer between them and reset the stream; libcurl 7.88 then throws the answer away when it
/// reads both at once.
class Cork {
 public:
  explicit Cork(const std::vector<int>& sockets) : sockets_(sockets) { set(1); }
  ~Cork() { set(0); }
  Cork(const Cork&) = delete;
  Cork& operator=(const Cork&) = delete;

 private:
  void set(int on) const {
    for (const int socket : sockets_) ::setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  }
  const std::vector<int>& sockets_;
};

class CurlTransport final : public Transport {
 public:
  CurlTransport(Poller& poller, const LoadPlan& plan, const RequestMix& mix, Limits limits,
                TransportEvents& events);
  ~CurlTransport() override { close(); }

  void open(int) override {}  // curl opens a connection with the first stream
  int opening() const override { return 0; }
  bool ready() const override { return in_flight_ < (limits_.in_flight > 0 ? limits_.in_flight : kStreams); }
  void send(const Exchange& exchange) override;
  int in_flight() const override { return in_flight_; }
  int connections() const override { return connections_; }
  void check_deadlines(RunTime now) override;
  RunTime next_deadline() const override { return deadline_; }
  void on_event(std::uint64_t key, std::uint32_t events) override;
  void close() override;

 private:
  static int on_socket(CURL* handle, curl_socket_t socket, int what, void* self, void* known);
  static int on_opened(void* self, curl_socket_t socket, curlsocktype purpose);
  static int on_close(void* self, curl_socket_t socket);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* stream);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* stream);
  Stream& take_stream();
  void set_connection_options(CURL* handle) const;
  void set_request(Stream& stream) const;
  void finish_done();
  void finish(Stream& stream, CURLcode code);

  const LoadPlan& plan_;
  const RequestMix& mix_;
  const Limits limits_;
  TransportEvents& events_;
  std::string authority_;    ///< in the URL that curl gets: the name that TLS asks for
  std::string host_header_;  ///< when that is not the target's own
  CURLM* multi_;
  int epoll_;
  bool sends_bodies_ = false;
  std::vector<int> corked_;  ///< the open connections' sockets, when there are bodies to send
  curl_slist* connect_to_ = nullptr;
  std::vector<std::unique_ptr<Stream>> all_;
  std::vector<Stream*> free_;
  RunTime deadline_ = kNever;
  int in_flight_ = 0;
  int connections_ = 0;
};

CurlTransport::CurlTransport(Poller& poller, const LoadPlan& plan, const RequestMix& mix, Limits limits,
                             TransportEvents& events)
    : plan_(plan), mix_(mix), limits_(limits), events_(events) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)initialised;
  multi_ = curl_multi_init();
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  // Curl answers a backlog with a connection more, whose handshake makes the backlog longer: no more of them
  // than the requests in flight fill.
  const int in_flight = limits.in_flight > 0 ? limits.in_flight : kStreams;
  const int needed = (in_flight + kStreamsPerConnection - 1) / kStreamsPerConnection;
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    static_cast<long>(std::min(limits.connections, needed)));
  authority_ = plan.target.authority();
  std::string connect_to = plan.connect_to;
  if (!plan.tls.server_name.empty() && plan.target.scheme == "https") {
    // Curl asks TLS for the URL's name, so the URL gets the wanted one, and where it leads is said beside it.
    if (connect_to.empty()) connect_to = authority_;
    host_header_ = plan.target.port == 443 ? authority_.substr(0, authority_.rfind(':')) : authority_;
    authority_ = fmt::format("{}:{}", plan.tls.server_name, plan.target.port);
  }
  if (!connect_to.empty()) connect_to_ = curl_slist_append(nullptr, fmt::format("::{}", connect_to).c_str());
  for (std::size_t i = 0; i < mix.size(); ++i) sends_bodies_ = sends_bodies_ || mix.entry(i).sends_body;
  poller.add(epoll_, 0, EPOLLIN);
}

int CurlTransport::on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  auto& transport = *static_cast<CurlTransport*>(self);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(transport.epoll_, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
  event.data.fd = socket;
  epoll_ctl(transport.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  curl_multi_assign(transport.multi_, socket, self);  // "known" from now on
  return 0;
}

int CurlTransport::on_opened(void* self, curl_socket_t socket, curlsocktype) {
  auto& transport = *static_cast<CurlTransport*>(self);
  if (transport.sends_bodies_) transport.corked_.push_back(socket);
  return CURL_SOCKOPT_OK;
}

int CurlTransport::on_close(void* self, curl_socket_t socket) {
  std::erase(static_cast<CurlTransport*>(self)->corked_, socket);
  return ::close(socket);
}

int CurlTransport::on_timer(CURLM*, long milliseconds, void* self) {
  auto& transport = *static_cast<CurlTransport*>(self);
  transport.deadline_ =
      milliseconds < 0 ? kNever : transport.events_.now() + RunTime{milliseconds} * 1'000'000;
  return 0;
}

std::size_t CurlTransport::on_body(char* data, std::size_t, std::size_t count, void* self) {
  auto& stream = *static_cast<Stream*>(self);
  if (stream.answer.size() < stream.keep)
    stream.answer.append(data, std::min(count, stream.keep - stream.answer.size()));
  stream.received += static_cast<std::int64_t>(count);
  return count;
}

std::size_t CurlTransport::on_header(char* data, std::size_t, std::size_t count, void* self) {
  auto& stream = *static_cast<Stream*>(self);
  if (stream.keep_headers && stream.answer_headers.size() < (64u << 10))
    stream.answer_headers.append(data, count);
  return count;
}

void CurlTransport::set_connection_options(CURL* handle) const {
  const bool tls = plan_.target.scheme == "https";
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION,
                   tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  curl_easy_setopt(handle, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   std::max<long>(1, plan_.connect_timeout.count() / 1'000'000));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, std::max<long>(1, plan_.request_timeout.count() / 1'000'000));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  if (plan_.address_family != 0) {
    curl_easy_setopt(handle, CURLOPT_IPRESOLVE,
                     plan_.address_family == 4 ? CURL_IPRESOLVE_V4 : CURL_IPRESOLVE_V6);
  }
  if (!plan_.unix_socket.empty())
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, plan_.unix_socket.c_str());
  if (connect_to_ != nullptr) curl_easy_setopt(handle, CURLOPT_CONNECT_TO, connect_to_);
  if (plan_.tls.insecure) {
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!plan_.tls.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, plan_.tls.ca_file.c_str());
  // Curl keeps what it has read of a file of authorities only when there is no folder of them beside it; else
  // each handshake reads the system's file again, some 20 ms. A --cacert is also meant to be all that is
  // trusted.
  if (!plan_.tls.ca_file.empty() || curl_version_info(CURLVERSION_NOW)->cainfo != nullptr)
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  if (!plan_.tls.cert_file.empty()) curl_easy_setopt(handle, CURLOPT_SSLCERT, plan_.tls.cert_file.c_str());
  if (!plan_.tls.key_file.empty()) curl_easy_setopt(handle, CURLOPT_SSLKEY, plan_.tls.key_file.c_str());
}

Stream& CurlTransport::take_stream() {
  if (!free_.empty()) {
    Stream* stream = free_.back();
    free_.pop_back();
    return *stream;
  }
  all_.push_back(std::make_unique<Stream>());
  Stream& stream = *all_.back();
  stream.handle = curl_easy_init();
  set_connection_options(stream.handle);
  curl_easy_setopt(stream.handle, CURLOPT_WRITEDATA, &stream);
  curl_easy_setopt(stream.handle, CURLOPT_HEADERDATA, &stream);
  curl_easy_setopt(stream.handle, CURLOPT_PRIVATE, &stream);
  curl_easy_setopt(stream.handle, CURLOPT_SOCKOPTFUNCTION, on_opened);
  curl_easy_setopt(stream.handle, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(stream.handle, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(stream.handle, CURLOPT_CLOSESOCKETDATA, this);
  return stream;
}

void CurlTransport::set_request(Stream& stream) const {
  const MixEntry& entry = mix_.entry(stream.exchange.entry);
  const std::int64_t i = stream.exchange.index;
  const std::string url =
      fmt::format("{}://{}{}", plan_.target.scheme, authority_, mix_.render_part(entry.path, i));
  curl_easy_setopt(stream.handle, CURLOPT_URL, url.c_str());
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  if (!host_header_.empty()) headers = curl_slist_append(headers, ("Host: " + host_header_).c_str());
  for (const auto& [name, value] : entry.headers) {
    headers = curl_slist_append(headers, fmt::format("{}: {}", name, mix_.render_part(value, i)).c_str());
  }
  curl_slist_free_all(std::exchange(stream.headers, headers));
  curl_easy_setopt(stream.handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(stream.handle, CURLOPT_NOBODY, entry.head ? 1L : 0L);
  if (entry.sends_body) {
    stream.body = mix_.render_part(entry.body, i);
    curl_easy_setopt(stream.handle, CURLOPT_POST, 1L);
    curl_easy_setopt(stream.handle, CURLOPT_POSTFIELDS, stream.body.data());
    curl_easy_setopt(stream.handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(stream.body.size()));
  } else if (!entry.head) {
    curl_easy_setopt(stream.handle, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(stream.handle, CURLOPT_CUSTOMREQUEST, entry.head ? nullptr : entry.method.c_str());
  stream.keep_headers = !entry.checks.headers.empty();
  stream.keep = entry.checks.wants_body() ? plan_.max_checked_body : 0;
  stream.answer.clear();
  stream.answer_headers.clear();
  stream.received = 0;
}

void CurlTransport::send(const Exchange& exchange) {
  Stream& stream = take_stream();
  stream.exchange = exchange;
  set_request(stream);
  ++in_flight_;
  stream.exchange.sent = events_.now();
  curl_multi_add_handle(multi_, stream.handle);
  deadline_ = std::min(deadline_,
                       stream.exchange.sent);  // curl begins when it is called next, in this turn of the loop
}

void CurlTransport::check_deadlines(RunTime now) {
  if (deadline_ > now) return;
  deadline_ = kNever;
  {
    const Cork cork(corked_);
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  finish_done();
}

void CurlTransport::on_event(std::uint64_t, std::uint32_t) {
  std::array<epoll_event, 64> ready{};
  const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 0);
  {
    const Cork cork(corked_);
    for (int i = 0; i < n; ++i) {
      const epoll_event& event = ready[static_cast<std::size_t>(i)];
      const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                       ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      int running = 0;
      curl_multi_socket_action(multi_, event.data.fd, what, &running);
    }
  }
  finish_done();
}

void CurlTransport::finish_done() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* stream = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
    finish(*reinterpret_cast<Stream*>(stream), message->data.result);
  }
}

/// Whether the answer is there, whatever became of the request's body. A server may answer before it has read
/// the body and then reset the stream, and "clients MUST NOT discard responses as a result" (RFC 9113, 8.1);
/// libcurl 7.88 fails such a request when it sees the reset while it sends.
bool answered_in_full(const Stream& stream, CURLcode code, long status) {
  if (code == CURLE_OK) return status >= 100 && status < 1000;
  curl_off_t length = -1;
  curl_easy_getinfo(stream.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return code == CURLE_HTTP2_STREAM && status >= 200 && length >= 0 && stream.received == length;
}

/// In HTTP/1.1's words where it has them: a connection that did not come in time is not a slow server.
const char* failure_of(CURL* handle, CURLcode code) {
  if (code != CURLE_OPERATION_TIMEDOUT) return curl_easy_strerror(code);
  curl_off_t connected_us = 0;  // and the request about to go
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
  return connected_us == 0 ? "connect timed out" : "request timed out";
}

void CurlTransport::finish(Stream& stream, CURLcode code) {
  long status = 0;
  long connects = 0;
  curl_off_t connect_us = 0;
  curl_off_t tls_us = 0;
  long request_bytes = 0;
  curl_easy_getinfo(stream.handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(stream.handle, CURLINFO_NUM_CONNECTS, &connects);
  curl_easy_getinfo(stream.handle, CURLINFO_CONNECT_TIME_T, &connect_us);
  curl_easy_getinfo(stream.handle, CURLINFO_APPCONNECT_TIME_T, &tls_us);
  curl_easy_getinfo(stream.handle, CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_multi_remove_handle(multi_, stream.handle);
  --in_flight_;
  if (connects > 0 && code == CURLE_OK) {
    ++connections_;
    events_.on_connected(std::max(connect_us, tls_us) * 1000);
  }
  events_.on_bytes(static_cast<std::size_t>(std::max(0L, request_bytes)),
                   static_cast<std::size_t>(stream.received));
  Outcome outcome;
  if (answered_in_full(stream, code, status)) {
    outcome = {Delivery::answered, static_cast<int>(status), stream.answer_headers,
               stream.answer,      stream.received,          {}};
  } else {
    outcome.delivery = code == CURLE_OPERATION_TIMEDOUT ? Delivery::timeout : Delivery::connection_error;
    outcome.failure = failure_of(stream.handle, code);
  }
  const Exchange exchange = stream.exchange;
  events_.on_done(exchange, outcome);  // the stream is free afterwards: the outcome looks into it
  free_.push_back(&stream);
}

void CurlTransport::close() {
  if (multi_ == nullptr) return;
  for (const auto& stream : all_) {
    curl_multi_remove_handle(multi_, stream->handle);
    curl_easy_cleanup(stream->handle);
    curl_slist_free_all(stream->headers);
  }
  all_.clear();
  free_.clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  curl_slist_free_all(std::exchange(connect_to_, nullptr));
  ::close(epoll_);
}

}  // namespace

std::unique_ptr<Transport> make_curl_transport(Poller& poller, const LoadPlan& plan, const RequestMix& mix,
                                               Limits limits, TransportEvents& events) {
  return std::make_unique<CurlTransport>(poller, plan, mix, limits, events);
}

core::Result<void> check_curl(const LoadPlan& plan) {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  if ((info->features & CURL_VERSION_HTTP2) == 0) {
    return core::make_error(core::ErrorKind::unavailable, "this libcurl was built without HTTP/2");
  }
  // https://github.com/curl/curl/issues/10634: every second request on a plain connection fails, until 8.0.
  const bool broken = info->version_num >= 0x075700 && info->version_num < 0x080000;
  if (broken && plan.target.scheme == "http") {
    return core::make_error(
        core::ErrorKind::unavailable,
        fmt::format("libcurl {} cannot reuse a connection for HTTP/2 without TLS", info->version),
        "use an https URL, HTTP/1.1, or a libcurl from 8.0 on");
  }
  return {};
}

}  // namespace obsctl::loadgen
