// Bytes come in at on_read(), are decrypted into the loop's buffer and given on in one piece. What
// goes out is gathered into records, encrypted into the loop's other buffer and tried at once; only
// what the peer does not take is kept.
#include "server/tls/tls_transport.h"

#include <algorithm>
#include <new>
#include <utility>

namespace durable_streams::server {
namespace {

// For who speaks HTTP where TLS is spoken.
constexpr std::string_view kSpeaksTls =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 55\r\n"
    "Connection: close\r\n"
    "\r\n"
    "This port speaks TLS. Ask again by https:// not http://";

// How long one who was refused has to read why.
constexpr std::chrono::milliseconds kRefusalTimeout{2'000};

// Of TLS's own messages, behind what the peer does not take; one who makes more of them come is up
// to no good.
constexpr std::size_t kBehindBytesMax = std::size_t{64} << 10;

// Of what a peer sends until its handshake is over. A ClientHello has a few KiB; OpenSSL would
// gather 128 for anybody.
constexpr std::size_t kHandshakeBytesMax = std::size_t{32} << 10;

bool begins_http(char first) {
  return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

}  // namespace

std::size_t TlsTransport::Cursor::left() const {
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces_) bytes += piece.size();
  return bytes - offset_;
}

void TlsTransport::Cursor::skip(std::size_t bytes) {
  offset_ += bytes;
  while (!pieces_.empty() && offset_ >= pieces_.front().size()) {
    offset_ -= pieces_.front().size();
    pieces_ = pieces_.subspan(1);
  }
}

TlsTransport::TlsTransport(Transport& below, Place place, MakeEvents make_events)
    : below_(below),
      loop_(place.loop),
      context_(std::move(place.context)),
      ssl_(context_->begin()) {
  if (!ssl_) throw std::bad_alloc();
  BIO_up_ref(loop_.bio());
  SSL_set_bio(ssl_.get(), loop_.bio(), loop_.bio());
  loop_.watch(*this, place.handshake_timeout);
  events_ = make_events(*this);
}

TlsTransport::~TlsTransport() { loop_.forget(*this); }

TlsTransport::Pending& TlsTransport::pending() {
  if (!pending_) pending_ = std::make_unique<Pending>();
  return *pending_;
}

void TlsTransport::on_read(std::string_view bytes) {
  if (closed_ || state_ == State::kRefused || state_ == State::kBroken) return;
  if (!std::exchange(begun_, true) && begins_http(bytes.front())) return refuse_plain_http();
  decrypt(bytes);
  loop_.set_input({});
  if (closed_ || state_ != State::kHandshake) return;
  handshake_bytes_ += bytes.size();
  if (handshake_bytes_ <= kHandshakeBytesMax) return;
  loop_.metrics().tls_failed.add();
  break_off();
}

void TlsTransport::decrypt(std::string_view bytes) {
  loop_.clear_output();
  loop_.set_input(bytes);
  const std::span<char> plain = loop_.plain();
  std::size_t filled = 0;
  int error = SSL_ERROR_NONE;
  while (error == SSL_ERROR_NONE && !closed_) {
    forget_openssl_errors();
    const int size =
        SSL_read(ssl_.get(), plain.data() + filled, static_cast<int>(plain.size() - filled));
    if (size <= 0) {
      error = SSL_get_error(ssl_.get(), size);
    } else {
      filled += static_cast<std::size_t>(size);
      // Only a larger read than the room is meant for fills it.
      if (filled == plain.size()) filled = deliver(filled);
      // Spares most reads a second call.
      if (loop_.input().empty() && SSL_has_pending(ssl_.get()) == 0) error = SSL_ERROR_WANT_READ;
    }
  }
  if (closed_) return;
  deliver(filled);
  if (closed_ || state_ == State::kBroken) return;
  if (error == SSL_ERROR_ZERO_RETURN) {
    if (!std::exchange(ended_, true)) events_->on_read_end();
  } else if (error != SSL_ERROR_WANT_READ) {
    fail();
  }
}

// Sends what TLS has to say, then gives what was decrypted to the connection; returns how much is
// left of it: nothing.
std::size_t TlsTransport::deliver(std::size_t filled) {
  const std::string_view rest = loop_.input();
  const bool sent = send_output();
  if (!sent) {
    break_off();
    return 0;
  }
  if (state_ == State::kHandshake && SSL_is_init_finished(ssl_.get()) == 1) end_handshake();
  // What is answered may be written from in here, and other connections' answers with it.
  loop_.set_input({});
  if (filled > 0 && !closed_ && state_ == State::kOpen)
    events_->on_read({loop_.plain().data(), filled});
  loop_.clear_output();
  loop_.set_input(rest);
  return 0;
}

void TlsTransport::end_handshake() {
  state_ = State::kOpen;
  loop_.forget(*this);
  const bool resumed = SSL_session_reused(ssl_.get()) == 1;
  (resumed ? loop_.metrics().tls_resumed : loop_.metrics().tls_full).add();
  pump();
}

void TlsTransport::refuse_plain_http() {
  loop_.metrics().tls_failed.add();
  below_.try_write({{kSpeaksTls}});
  refuse();
}

// What comes is no TLS, or not ours; OpenSSL has an alert for it among the output.
void TlsTransport::fail() {
  forget_openssl_errors();
  const bool handshake = state_ == State::kHandshake;
  if (handshake) loop_.metrics().tls_failed.add();
  if (!send_output() || !handshake) return break_off();
  refuse();
}

// The connection ends when the peer has read why, or does not care to.
void TlsTransport::refuse() {
  state_ = State::kRefused;
  loop_.watch(*this, kRefusalTimeout);
  if (busy()) {
    pending().ends = true;
  } else {
    below_.shutdown();
  }
}

void TlsTransport::break_off() {
  state_ = State::kBroken;
  loop_.forget(*this);
  events_->on_broken();
}

void TlsTransport::on_turn_end() {
  if (!closed_ && state_ == State::kOpen) events_->on_turn_end();
}

void TlsTransport::on_handshake_deadline() {
  if (state_ == State::kHandshake) loop_.metrics().tls_failed.add();
  break_off();
}

void TlsTransport::on_read_end() {
  if (closed_) return;
  if (state_ == State::kOpen) {
    if (!std::exchange(ended_, true)) events_->on_read_end();
    return;
  }
  if (state_ == State::kHandshake && begun_) loop_.metrics().tls_failed.add();
  if (state_ != State::kBroken) break_off();
}

void TlsTransport::on_broken() {
  if (closed_) return;
  if (state_ == State::kHandshake && begun_) loop_.metrics().tls_failed.add();
  break_off();
}

// One chunk into the loop's output; returns how many bytes of `from` it was.
std::optional<std::size_t> TlsTransport::encrypt(Cursor& from) {
  loop_.clear_output();
  std::size_t total = 0;
  while (!from.done() && total < TlsLoop::kChunkBytes) {
    std::string_view record = from.front().substr(0, TlsLoop::kRecordBytes);
    if (record.size() < TlsLoop::kRecordBytes && record.size() < from.left()) {
      std::size_t gathered = 0;
      const std::span<char> room = loop_.record();
      while (!from.done() && gathered < room.size()) {
        const std::size_t size = from.front().copy(room.data() + gathered, room.size() - gathered);
        gathered += size;
        from.skip(size);
      }
      record = {room.data(), gathered};
    } else {
      from.skip(record.size());
    }
    forget_openssl_errors();
    const int written = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
    if (written != static_cast<int>(record.size())) {
      forget_openssl_errors();
      return std::nullopt;
    }
    total += record.size();
  }
  return total;
}

// Has the transport below write, in time, what it would not take at once.
bool TlsTransport::hold(std::string_view bytes) {
  std::string& below = pending().below;
  below.assign(bytes);
  const std::string_view piece = below;
  return below_.write({&piece, 1});
}

// What OpenSSL has put out of itself. False: the connection broke.
bool TlsTransport::send_output() {
  const std::string_view output = loop_.output();
  if (output.empty()) return true;
  if (busy()) {
    pending_->behind.append(output);
    return pending_->behind.size() <= kBehindBytesMax;
  }
  const std::optional<std::size_t> sent = below_.try_write({&output, 1});
  if (!sent) return false;
  return *sent == output.size() || hold(output.substr(*sent));
}

std::optional<std::size_t> TlsTransport::try_write(std::span<const std::string_view> pieces) {
  if (state_ == State::kBroken || closed_) return std::nullopt;
  if (state_ != State::kOpen || busy()) return 0;
  std::size_t taken = 0;
  for (Cursor rest(pieces); !rest.done();) {
    const std::optional<std::size_t> chunk = encrypt(rest);
    if (!chunk) return std::nullopt;
    const std::string_view output = loop_.output();
    const std::optional<std::size_t> sent = below_.try_write({&output, 1});
    if (!sent) return std::nullopt;
    if (*sent < output.size()) {
      ahead_ = *chunk;
      if (!hold(output.substr(*sent))) return std::nullopt;
      break;
    }
    taken += *chunk;
  }
  return taken;
}

// What comes first of it may be on its way, since the last try_write().
bool TlsTransport::write(std::span<const std::string_view> pieces) {
  if (state_ == State::kBroken || closed_) return false;
  Pending& writing = pending();
  writing.above.assign(pieces.begin(), pieces.end());
  writing.rest = Cursor(writing.above);
  writing.writing = true;
  const std::size_t skipped = std::min(ahead_, writing.rest.left());
  writing.rest.skip(skipped);
  ahead_ -= skipped;
  if (state_ != State::kOpen || busy() || pumping_) return true;
  const std::optional<std::size_t> chunk = encrypt(writing.rest);
  return chunk && hold(loop_.output());
}

std::size_t TlsTransport::unwritten() const {
  return pending_ ? pending_->rest.left() + (busy() ? below_.unwritten() : 0) : 0;
}

void TlsTransport::on_written() {
  if (closed_) return;
  std::string().swap(pending_->below);
  pump();
}

// Goes on with what is to be written, as far as the transport below takes it.
void TlsTransport::pump() {
  pumping_ = true;
  while (pending_ && !busy() && !closed_ && state_ != State::kBroken) {
    if (!pending_->behind.empty()) {
      if (!hold(std::exchange(pending_->behind, {}))) break_off();
    } else if (pending_->writing && state_ == State::kOpen) {
      if (!pending_->rest.done()) {
        if (!write_chunk()) break_off();
      } else {
        pending_->writing = false;
        events_->on_written();
      }
    } else {
      if (std::exchange(pending_->ends, false)) below_.shutdown();
      if (!pending_->writing) pending_.reset();
      break;
    }
  }
  pumping_ = false;
}

// False: the connection broke.
bool TlsTransport::write_chunk() {
  if (!encrypt(pending_->rest)) return false;
  const std::string_view output = loop_.output();
  const std::optional<std::size_t> sent = below_.try_write({&output, 1});
  if (!sent) return false;
  return *sent == output.size() || hold(output.substr(*sent));
}

void TlsTransport::pause_reading() { below_.pause_reading(); }
void TlsTransport::resume_reading() { below_.resume_reading(); }

void TlsTransport::shutdown() {
  if (closed_ || state_ == State::kBroken) return;
  send_close_notify();
  if (busy()) {
    pending().ends = true;
  } else {
    below_.shutdown();
  }
}

void TlsTransport::send_close_notify() {
  if (state_ != State::kOpen || (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) return;
  loop_.clear_output();
  forget_openssl_errors();
  SSL_shutdown(ssl_.get());
  send_output();
}

// A peer that has taken all until now is told so.
void TlsTransport::close() {
  if (std::exchange(closed_, true)) return;
  loop_.forget(*this);
  if (!busy()) send_close_notify();
  below_.close();
}

}  // namespace durable_streams::server
