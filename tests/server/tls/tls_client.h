// The client's side of TLS, by hand: what it sends is handed out, what it gets is handed in.
#pragma once

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "server/tls/openssl_handles.h"

namespace durable_streams::server {

class TlsClient {
 public:
  struct Options {
    std::string host = {};       // by SNI, and whom the certificate must be for
    std::string root_file = {};  // who is trusted; empty: anybody
    std::string protocols = {};  // of ALPN, as they are sent: `\x08http/1.1`
    int version = 0;             // TLS1_2_VERSION; 0: any
    SSL_SESSION* session = nullptr;
  };

  explicit TlsClient(const Options& options) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_.get(), options.version);
    SSL_CTX_set_max_proto_version(context_.get(), options.version);
    // So that it can ask for what a server must refuse.
    if (options.version == TLS1_1_VERSION) SSL_CTX_set_security_level(context_.get(), 0);
    if (!options.root_file.empty()) {
      SSL_CTX_load_verify_locations(context_.get(), options.root_file.c_str(), nullptr);
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    }
    SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context_.get(), on_session);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (!options.host.empty()) {
      SSL_set_tlsext_host_name(ssl_.get(), options.host.c_str());
      SSL_set1_host(ssl_.get(), options.host.c_str());
    }
    if (!options.protocols.empty()) {
      SSL_set_alpn_protos(ssl_.get(),
                          reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
    SSL_set_connect_state(ssl_.get());
    step();
  }
  ~TlsClient() {
    if (session_ != nullptr) SSL_SESSION_free(session_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // What it has to send since the last time.
  std::string output() {
    std::string bytes;
    std::array<char, 4096> piece;
    for (int size; (size = BIO_read(SSL_get_wbio(ssl_.get()), piece.data(), piece.size())) > 0;)
      bytes.append(piece.data(), static_cast<std::size_t>(size));
    return bytes;
  }

  // What the server sent.
  void receive(std::string_view bytes) {
    if (bytes.empty()) return;
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    step();
  }

  void write(std::string_view bytes) {
    if (SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) !=
        static_cast<int>(bytes.size()))
      throw std::runtime_error("the client cannot write");
  }

  // Has both sides change their keys (RFC 8446 section 4.6.3).
  void update_keys() {
    SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl_.get());
  }

  void end() { SSL_shutdown(ssl_.get()); }

  bool open() const { return SSL_is_init_finished(ssl_.get()) == 1 && !failed_; }
  bool failed() const { return failed_; }
  const std::string& error() const { return error_; }  // why it failed
  bool ended() const { return ended_; }                // the server said so
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  SSL_SESSION* session() const { return session_; }
  const std::string& received() const { return received_; }
  std::string take_received() { return std::exchange(received_, {}); }

  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  // Of the certificate that it was shown.
  std::string common_name() const {
    std::array<char, 128> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl_.get())),
                              NID_commonName, name.data(), name.size());
    return name.data();
  }

 private:
  static int on_session(SSL* ssl, SSL_SESSION* session) {
    auto* const client = static_cast<TlsClient*>(SSL_get_app_data(ssl));
    if (client->session_ != nullptr) SSL_SESSION_free(client->session_);
    client->session_ = session;
    return 1;
  }

  void step() {
    std::array<char, 16384> piece;
    for (;;) {
      ERR_clear_error();
      const int size = SSL_read(ssl_.get(), piece.data(), piece.size());
      if (size > 0) {
        received_.append(piece.data(), static_cast<std::size_t>(size));
        continue;
      }
      const int error = SSL_get_error(ssl_.get(), size);
      if (error == SSL_ERROR_ZERO_RETURN) ended_ = true;
      if (error == SSL_ERROR_SSL) {
        failed_ = true;
        error_ = openssl_error();
      }
      return;
    }
  }

  SslContextHandle context_;
  SslHandle ssl_;
  SSL_SESSION* session_ = nullptr;
  std::string received_;
  std::string error_;
  bool failed_ = false;
  bool ended_ = false;
};

}  // namespace durable_streams::server
