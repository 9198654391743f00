// TLS is read from the socket by as much as there is, and neither the socket nor OpenSSL is asked
// again when it can have nothing: that would cost what the measured server does not.
#include "bench/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>

namespace durable_streams::bench {

namespace {

SSL_CTX* client_context() {
  static SSL_CTX* const kContext = [] {
    SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return made;
  }();
  return kContext;
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
  if (target.tls && !channel.read_by_hand()) return Error{ErrorCode::kIo, "out of memory", {}};
  if (blocking == Blocking::kNo && ::fcntl(channel.descriptor(), F_SETFL, O_NONBLOCK) != 0)
    return system_error("O_NONBLOCK");
  channel.blocking_ = blocking == Blocking::kYes;
  return channel;
}

Channel Channel::raw(Descriptor socket) {
  Channel channel(std::move(socket));
  channel.blocking_ = false;
  return channel;
}

bool Channel::read_by_hand() {
  BIO* const received = BIO_new(BIO_s_mem());
  if (received == nullptr) return false;
  BIO_set_mem_eof_return(received, -1);
  SSL_set0_rbio(ssl_.get(), received);
  return true;
}

ssize_t Channel::send(std::string_view bytes) {
  if (!ssl_) return ::send(descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return result_of(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
}

ssize_t Channel::receive(std::span<char> buffer) {
  if (!ssl_) return ::recv(descriptor(), buffer.data(), buffer.size(), 0);
  while (true) {
    if (holds_input()) {
      const ssize_t size =
          result_of(SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size())));
      if (size >= 0 || errno != EAGAIN) return size;
    }
    if (std::exchange(drained_, false)) {
      errno = EAGAIN;
      return -1;
    }
    std::array<char, std::size_t{64} * 1024> records;
    const ssize_t received = ::recv(descriptor(), records.data(), records.size(), 0);
    if (received <= 0) return received;
    drained_ = !blocking_ && static_cast<std::size_t>(received) < records.size();
    BIO_write(SSL_get_rbio(ssl_.get()), records.data(), static_cast<int>(received));
  }
}

bool Channel::shows_end(std::size_t received, std::size_t wanted) {
  if (!ssl_) return received < wanted;
  return !holds_input() && std::exchange(drained_, false);
}

// Read from the socket, but not yet from TLS.
bool Channel::holds_input() const {
  return SSL_has_pending(ssl_.get()) == 1 || BIO_ctrl_pending(SSL_get_rbio(ssl_.get())) > 0;
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
