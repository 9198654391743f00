// How a listener speaks TLS: its certificates, and what of TLS is spoken at all.
#pragma once

#include <durable_streams/result.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/tls/certificate.h"
#include "server/tls/ticket_keys.h"

namespace durable_streams::server {

// TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers only; http/1.1 by ALPN (RFC 7301);
// no compression, no renegotiation, no early data. A client that names no host, or one that no
// certificate is for, is shown the first certificate. Threads: any.
class TlsContext {
 public:
  // At least one certificate. `tickets` outlives the context and its connections.
  static Result<std::unique_ptr<const TlsContext>> make(std::vector<Certificate> certificates,
                                                        TicketKeys& tickets);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A server's side of a new connection, without anything to read and write by. Null: out of
  // memory.
  SslHandle begin() const;

  std::span<const Certificate> certificates() const { return certificates_; }

 private:
  TlsContext() = default;

  Result<SslContextHandle> make_context(const Certificate& certificate, TicketKeys& tickets);
  SSL_CTX* context_for(const char* host) const;
  static int on_server_name(SSL* ssl, int* alert, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                     const unsigned char* offered, unsigned offered_size, void* self);

  std::vector<Certificate> certificates_;
  std::vector<SslContextHandle> contexts_;  // of each certificate
};

}  // namespace durable_streams::server
