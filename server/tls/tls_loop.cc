// OpenSSL reads and writes by one BIO, whichever connection it works for: it does only one thing at
// a time.
#include "server/tls/tls_loop.h"

#include <algorithm>
#include <new>
#include <utility>

namespace durable_streams::server {

TlsLoop::TlsLoop(EventLoop& loop, LoopMetrics& metrics)
    : loop_(loop), metrics_(metrics), bio_(BIO_new(method())) {
  if (!bio_) throw std::bad_alloc();
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

TlsLoop::~TlsLoop() {
  if (timer_ != 0) loop_.cancel(timer_);
}

BIO_METHOD* TlsLoop::method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop");
    BIO_meth_set_write_ex(method, on_bio_write);
    BIO_meth_set_read_ex(method, on_bio_read);
    BIO_meth_set_ctrl(method, on_bio_control);
    return method;
  }();
  return kMethod;
}

int TlsLoop::on_bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* taken) {
  static_cast<TlsLoop*>(BIO_get_data(bio))->output_.append(bytes, size);
  *taken = size;
  return 1;
}

int TlsLoop::on_bio_read(BIO* bio, char* to, std::size_t room, std::size_t* size) {
  std::string_view& input = static_cast<TlsLoop*>(BIO_get_data(bio))->input_;
  BIO_clear_retry_flags(bio);
  *size = input.copy(to, room);
  input.remove_prefix(*size);
  if (*size > 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

long TlsLoop::on_bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void TlsLoop::watch(Handshaking& connection, std::chrono::milliseconds timeout) {
  forget(connection);
  connection.place_ = handshaking_.emplace(loop_.now() + timeout, &connection);
  connection.watched_ = true;
  if (connection.place_ == handshaking_.begin()) set_timer();
}

void TlsLoop::forget(Handshaking& connection) {
  if (!std::exchange(connection.watched_, false)) return;
  handshaking_.erase(connection.place_);
}

void TlsLoop::set_timer() {
  if (timer_ != 0) loop_.cancel(std::exchange(timer_, 0));
  if (handshaking_.empty()) return;
  const auto left = handshaking_.begin()->first - loop_.now();
  timer_ =
      loop_.run_after(std::chrono::ceil<std::chrono::milliseconds>(std::max(left, left.zero())),
                      [this] { run_deadlines(); });
}

void TlsLoop::run_deadlines() {
  timer_ = 0;
  while (!handshaking_.empty() && handshaking_.begin()->first <= loop_.now()) {
    Handshaking* const first = handshaking_.begin()->second;
    forget(*first);
    first->on_handshake_deadline();
  }
  set_timer();
}

}  // namespace durable_streams::server
