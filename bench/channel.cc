// OpenSSL reads a record at a time and keeps nothing of the next, so that a socket that can be read
// is all that epoll has to tell.
#include "bench/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>

namespace durable_streams::bench {

namespace {

SSL_CTX* client_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    return made;
  }();
  return context;
}

}  // namespace

void Channel::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Result<Channel> Channel::connect(const Target& target, Blocking blocking) {
  Result<Descriptor> socket = connect_to(target);
  if (!socket) return socket.error();
  Channel channel(std::move(*socket));
  if (target.tls) {
    channel.ssl_.reset(SSL_new(client_context()));
    if (!channel.ssl_ || SSL_set_fd(channel.ssl_.get(), channel.descriptor()) != 1 ||
        SSL_connect(channel.ssl_.get()) != 1) {
      ERR_clear_error();
      return Error{ErrorCode::kIo, "the TLS handshake failed", {}};
    }
  }
  if (blocking == Blocking::kNo && ::fcntl(channel.descriptor(), F_SETFL, O_NONBLOCK) != 0)
    return system_error("O_NONBLOCK");
  return channel;
}

ssize_t Channel::send(std::string_view bytes) {
  if (!ssl_) return ::send(descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return result_of(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
}

ssize_t Channel::receive(std::span<char> buffer) {
  if (!ssl_) return ::recv(descriptor(), buffer.data(), buffer.size(), 0);
  return result_of(SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size())));
}

ssize_t Channel::drop(std::span<char> buffer) {
  return ::recv(descriptor(), buffer.data(), buffer.size(), MSG_TRUNC);
}

ssize_t Channel::result_of(int result) {
  if (result > 0) return result;
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

}  // namespace durable_streams::bench
