// OpenSSL holds a certificate in a context, so there is one for each; the first answers, and hands
// over to another when the client has said which host it wants.
#include "server/tls/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace durable_streams::server {
namespace {

constexpr char kCiphersOf12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// The smaller key first: it is as good for as long as anybody can tell, and costs less.
constexpr char kCiphersOf13[] =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
constexpr char kGroups[] = "X25519:P-256:P-384";
constexpr std::string_view kProtocol = "http/1.1";
constexpr std::string_view kSessionScope = "durable-streams";

// Buffers are given back between requests: a connection that waits costs none.
void set_manners(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  // Sessions are kept by clients, as tickets.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
}

}  // namespace

Result<std::unique_ptr<const TlsContext>> TlsContext::make(std::vector<Certificate> certificates,
                                                           TicketKeys& tickets) {
  std::unique_ptr<TlsContext> made(new TlsContext());
  made->certificates_ = std::move(certificates);
  for (const Certificate& certificate : made->certificates_) {
    Result<SslContextHandle> context = made->make_context(certificate, tickets);
    if (!context) return context.error();
    made->contexts_.push_back(std::move(*context));
  }
  return std::unique_ptr<const TlsContext>(std::move(made));
}

Result<SslContextHandle> TlsContext::make_context(const Certificate& certificate,
                                                  TicketKeys& tickets) {
  const auto failed = [] {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("tls: the certificate cannot be used: {}", openssl_error()),
                 {}};
  };
  ERR_clear_error();
  SslContextHandle context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kCiphersOf12) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), kCiphersOf13) != 1 ||
      SSL_CTX_set1_groups_list(context.get(), kGroups) != 1)
    return failed();
  set_manners(context.get());
  // OpenSSL refuses what is too weak for its security level here.
  if (SSL_CTX_use_certificate(context.get(), certificate.leaf.get()) != 1) return failed();
  for (const CertificateHandle& link : certificate.chain) {
    if (SSL_CTX_add1_chain_cert(context.get(), link.get()) != 1) return failed();
  }
  if (SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()) != 1) return failed();
  SSL_CTX_set_session_id_context(context.get(),
                                 reinterpret_cast<const unsigned char*>(kSessionScope.data()),
                                 static_cast<unsigned>(kSessionScope.size()));
  SSL_CTX_set_alpn_select_cb(context.get(), on_alpn, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context.get(), on_server_name);
  SSL_CTX_set_tlsext_servername_arg(context.get(), this);
  tickets.serve(context.get());
  return context;
}

SslHandle TlsContext::begin() const {
  SslHandle ssl(SSL_new(contexts_.front().get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

// The first that covers it: the order is the configuration's.
SSL_CTX* TlsContext::context_for(const char* host) const {
  for (std::size_t i = 0; host != nullptr && i < certificates_.size(); ++i) {
    if (certificates_[i].covers(host)) return contexts_[i].get();
  }
  return contexts_.front().get();
}

int TlsContext::on_server_name(SSL* ssl, int*, void* self) {
  const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, static_cast<const TlsContext*>(self)->context_for(host));
  return SSL_TLSEXT_ERR_OK;
}

int TlsContext::on_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                        const unsigned char* offered, unsigned offered_size, void*) {
  std::string_view rest(reinterpret_cast<const char*>(offered), offered_size);
  while (!rest.empty()) {
    const std::size_t size = static_cast<unsigned char>(rest.front());
    const std::string_view name = rest.substr(1, size);
    if (name == kProtocol) {
      *chosen = reinterpret_cast<const unsigned char*>(name.data());
      *chosen_size = static_cast<unsigned char>(name.size());
      return SSL_TLSEXT_ERR_OK;
    }
    rest.remove_prefix(std::min(rest.size(), size + 1));
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
}

}  // namespace durable_streams::server
