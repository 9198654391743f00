// Nothing that is called from here adds a read: libuv reads in its poll alone.
#include "server/net/read_turn.h"

#include <utility>

#include "server/net/tcp_transport.h"

namespace durable_streams::server {

ReadTurn::ReadTurn(uv_loop_t* loop, std::size_t buffer_bytes)
    : loop_(loop),
      buffer_bytes_(buffer_bytes),
      room_(new char[2 * buffer_bytes]),
      check_(new uv_check_t) {
  reads_.reserve(kReadsMax);
  uv_check_init(loop, check_);
  uv_unref(reinterpret_cast<uv_handle_t*>(check_));
  check_->data = this;
  uv_check_start(check_, [](uv_check_t* check) { static_cast<ReadTurn*>(check->data)->hand_on(); });
}

ReadTurn::~ReadTurn() {
  uv_close(reinterpret_cast<uv_handle_t*>(check_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_check_t*>(closed); });
}

void ReadTurn::add(TcpTransport& transport, std::size_t size) {
  reads_.push_back({&transport, {room_.get() + used_, size}});
  used_ += size;
  if (reads_.size() == kReadsMax || used_ > buffer_bytes_) hand_on();
}

void ReadTurn::hand_on_first(TcpTransport& transport) {
  bool ends = false;
  for (Read& read : reads_) {
    if (read.transport != &transport) continue;
    transport.hand_on(read.bytes);
    // It may have closed itself, and is forgotten then.
    ends = std::exchange(read.transport, nullptr) != nullptr;
  }
  if (ends) transport.end_turn();
}

void ReadTurn::forget(const TcpTransport& transport) {
  for (Read& read : reads_) {
    if (read.transport == &transport) read.transport = nullptr;
  }
}

void ReadTurn::hand_on() {
  for (const Read& read : reads_) {
    if (read.transport != nullptr) read.transport->hand_on(read.bytes);
  }
  for (const Read& read : reads_) {
    if (read.transport != nullptr) read.transport->end_turn();
  }
  reads_.clear();
  used_ = 0;
}

}  // namespace durable_streams::server
