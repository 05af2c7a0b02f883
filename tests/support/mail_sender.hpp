// Sends mail as a real client does (libcurl), and makes a certificate for a server to show.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/support/catch.hpp"

namespace obsctl::tests {

struct MailToSend {
  std::string smarthost;
  std::string from = "alertmanager@example.org";
  std::vector<std::string> to = {"on-call@example.org"};
  std::string data;
  /// Empty: the connection stays in the clear; else STARTTLS, trusting this certificate.
  std::string ca_file = {};
  std::string user = {}, password = {};
  long timeout_ms = 10'000;
};

struct MailOutcome {
  CURLcode code = CURLE_OK;
  long reply = 0;  ///< the last one that the server gave
};

/// Sends one mail in a connection of its own.
inline MailOutcome send_mail(const MailToSend& mail) {
  struct Reader {
    std::string_view left;
    static std::size_t read(char* to, std::size_t size, std::size_t count, void* self) {
      auto& reader = *static_cast<Reader*>(self);
      const std::size_t length = std::min(size * count, reader.left.size());
      std::memcpy(to, reader.left.data(), length);
      reader.left.remove_prefix(length);
      return length;
    }
  };
  CURL* curl = curl_easy_init();
  REQUIRE(curl != nullptr);
  Reader reader{mail.data};
  curl_slist* recipients = nullptr;
  for (const std::string& to : mail.to) recipients = curl_slist_append(recipients, ("<" + to + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_URL, ("smtp://" + mail.smarthost + "/tester").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &Reader::read);
  curl_easy_setopt(curl, CURLOPT_READDATA, &reader);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, mail.timeout_ms);
  if (!mail.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    curl_easy_setopt(curl, CURLOPT_CAINFO, mail.ca_file.c_str());
  }
  if (!mail.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, mail.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, mail.password.c_str());
  }
  MailOutcome outcome;
  outcome.code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &outcome.reply);
  curl_slist_free_all(recipients);
  curl_easy_cleanup(curl);
  return outcome;
}

/// Writes a self-signed certificate for 127.0.0.1 and its key as PEM.
inline void make_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  EVP_PKEY* pair = EVP_EC_gen("P-256");
  X509* x509 = X509_new();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, pair);
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("obsctl test"),
                             -1, -1, 0);
  X509_set_issuer_name(x509, name);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(x509, extension, -1);
  X509_sign(x509, pair, EVP_sha256());
  BIO* file = BIO_new_file(certificate.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_bio_X509(file, x509);
  BIO_free(file);
  file = BIO_new_file(key.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_bio_PrivateKey(file, pair, nullptr, nullptr, 0, nullptr, nullptr);
  BIO_free(file);
  X509_EXTENSION_free(extension);
  X509_free(x509);
  EVP_PKEY_free(pair);
}

}  // namespace obsctl::tests
