// OpenSSL's objects, owned, and its errors in words.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace durable_streams::server {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioHandle = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using CertificateHandle = std::unique_ptr<X509, OpensslFree<X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using SslContextHandle = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

// The first of the errors that this thread's last calls left, in OpenSSL's words; they are
// forgotten.
std::string openssl_error();

// Before a call whose errors are asked for by SSL_get_error(), which looks at the queue: mostly it
// is empty, and clearing it costs more than looking.
void forget_openssl_errors();

}  // namespace durable_streams::server
