// A key that needs a passphrase is refused rather than asked for: nobody sits at a server.
#include "server/tls/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace durable_streams::server {
namespace {

Error wrong_file(const std::string& file, std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("tls: {}: {}", file, what), {}};
}

Result<BioHandle> open_file(const std::string& file) {
  std::FILE* const opened = std::fopen(file.c_str(), "re");
  if (opened == nullptr) return wrong_file(file, std::strerror(errno));
  return BioHandle(BIO_new_fp(opened, BIO_CLOSE));
}

bool no_more_pem() {
  const unsigned long last = ERR_peek_last_error();
  const bool ended = last == 0 || (ERR_GET_LIB(last) == ERR_LIB_PEM &&
                                   ERR_GET_REASON(last) == PEM_R_NO_START_LINE);
  if (ended) ERR_clear_error();
  return ended;
}

int no_passphrase(char*, int, int, void*) { return -1; }

Status read_chain(const std::string& file, Certificate& to) {
  Result<BioHandle> bio = open_file(file);
  if (!bio) return bio.error();
  ERR_clear_error();
  to.leaf.reset(PEM_read_bio_X509_AUX(bio->get(), nullptr, no_passphrase, nullptr));
  if (!to.leaf) {
    if (no_more_pem()) return wrong_file(file, "holds no certificate in PEM form");
    return wrong_file(file, fmt::format("is no certificate: {}", openssl_error()));
  }
  while (X509* const next = PEM_read_bio_X509(bio->get(), nullptr, no_passphrase, nullptr))
    to.chain.emplace_back(next);
  if (no_more_pem()) return {};
  return wrong_file(file, fmt::format("certificate {} in it is damaged: {}", to.chain.size() + 2,
                                      openssl_error()));
}

Status read_key(const std::string& file, Certificate& to) {
  Result<BioHandle> bio = open_file(file);
  if (!bio) return bio.error();
  ERR_clear_error();
  to.key.reset(PEM_read_bio_PrivateKey(bio->get(), nullptr, no_passphrase, nullptr));
  if (to.key) return {};
  const unsigned long last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_BAD_PASSWORD_READ) {
    ERR_clear_error();
    return wrong_file(file, "the key has a passphrase; a server needs one without");
  }
  const bool unknown = ERR_GET_REASON(last) == ERR_R_UNSUPPORTED;
  if (unknown) ERR_clear_error();
  if (unknown || no_more_pem()) return wrong_file(file, "holds no private key in PEM form");
  return wrong_file(file, fmt::format("is no private key: {}", openssl_error()));
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::time_point_cast<WallTime::duration>(
      std::chrono::system_clock::from_time_t(timegm(&parts)));
}

}  // namespace

Certificate Certificate::share() const {
  const auto held = [](const CertificateHandle& one) {
    X509_up_ref(one.get());
    return CertificateHandle(one.get());
  };
  Certificate shared;
  shared.leaf = held(leaf);
  for (const CertificateHandle& link : chain) shared.chain.push_back(held(link));
  EVP_PKEY_up_ref(key.get());
  shared.key.reset(key.get());
  return shared;
}

WallTime Certificate::not_before() const { return time_of(X509_get0_notBefore(leaf.get())); }
WallTime Certificate::not_after() const { return time_of(X509_get0_notAfter(leaf.get())); }

bool Certificate::covers(std::string_view host) const {
  const std::string name(host);
  return X509_check_host(leaf.get(), name.data(), name.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(leaf.get(), name.c_str(), 0) == 1;
}

Result<Certificate> load_certificate(const std::string& certificate_file,
                                     const std::string& key_file) {
  Certificate certificate;
  if (Status read = read_chain(certificate_file, certificate); !read) return read.error();
  if (Status read = read_key(key_file, certificate); !read) return read.error();
  if (X509_check_private_key(certificate.leaf.get(), certificate.key.get()) == 1)
    return certificate;
  ERR_clear_error();
  return wrong_file(key_file, fmt::format("is not the key of {}", certificate_file));
}

}  // namespace durable_streams::server
