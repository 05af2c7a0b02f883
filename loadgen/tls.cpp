// The only file of loadgen/ that knows OpenSSL.
#include "loadgen/tls.hpp"

#include <filesystem>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace obsctl::loadgen {

namespace {

std::string last_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

core::Error bad_file(const char* what, const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return core::make_error(core::ErrorKind::not_found, fmt::format("the {} {} does not exist", what, path));
  }
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("the {} {} cannot be used: {}", what, path, last_reason()),
                          "it must be readable and in PEM form");
}

bool is_address(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void TlsSession::Free::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
TlsContext::TlsContext() = default;
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

core::Result<TlsContext> TlsContext::create(const TlsOptions& options, const std::string& host) {
  TlsContext result;
  result.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = result.context_.get();
  if (context == nullptr) return core::make_error(core::ErrorKind::internal, "OpenSSL cannot make a context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1) {
      return bad_file("CA file", options.ca_file);
    }
  } else {
    SSL_CTX_set_default_verify_paths(context);
  }
  if (!options.cert_file.empty() &&
      SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return bad_file("certificate", options.cert_file);
  }
  const std::string& key = options.key_file.empty() ? options.cert_file : options.key_file;
  if (!key.empty() && SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad_file("private key", key);
  }
  result.verify_ = !options.insecure;
  SSL_CTX_set_verify(context, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  result.server_name_ = options.server_name.empty() ? host : options.server_name;
  constexpr unsigned char kHttp11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kHttp11, sizeof kHttp11 - 1);
  return result;
}

TlsSession::TlsSession(const TlsContext& context) : ssl_(SSL_new(context.context_.get())) {
  SSL* ssl = ssl_.get();
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
  if (is_address(context.server_name_)) {
    if (context.verify_) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), context.server_name_.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, context.server_name_.c_str());
    if (context.verify_) SSL_set1_host(ssl, context.server_name_.c_str());
  }
  SSL_set_connect_state(ssl);
  step();
}

void TlsSession::collect_output() {
  char* bytes = nullptr;
  BIO* out = SSL_get_wbio(ssl_.get());
  const long length = BIO_get_mem_data(out, &bytes);
  if (length <= 0) return;
  output_.append(bytes, static_cast<std::size_t>(length));
  BIO_reset(out);
}

void TlsSession::fail() {
  const long verified = SSL_get_verify_result(ssl_.get());
  failure_ = state_ == State::handshake && verified != X509_V_OK
                 ? fmt::format("TLS: {}", X509_verify_cert_error_string(verified))
                 : fmt::format("TLS: {}", last_reason());
  ERR_clear_error();
  state_ = State::failed;
}

void TlsSession::step() {
  if (state_ != State::handshake) return;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::open;
  } else if (const int error = SSL_get_error(ssl_.get(), result); error != SSL_ERROR_WANT_READ) {
    fail();
  }
  collect_output();
}

void TlsSession::receive(std::string_view encrypted) {
  BIO_write(SSL_get_rbio(ssl_.get()), encrypted.data(), static_cast<int>(encrypted.size()));
  step();
}

std::size_t TlsSession::read(char* buffer, std::size_t size) {
  if (state_ != State::open) return 0;
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), buffer, static_cast<int>(size));
  if (result > 0) return static_cast<std::size_t>(result);
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) {
    state_ = State::closed;
  } else if (error != SSL_ERROR_WANT_READ) {
    fail();
  }
  collect_output();
  return 0;
}

void TlsSession::write(std::string_view plain) {
  if (state_ != State::open || plain.empty()) return;
  ERR_clear_error();
  if (SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) <= 0) fail();
  collect_output();
}

}  // namespace obsctl::loadgen
