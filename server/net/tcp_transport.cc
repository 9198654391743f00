// libuv reports what it reads and writes by plain functions; each finds its transport in the
// handle.
#include "server/net/tcp_transport.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace durable_streams::server {
namespace {

// So many pieces go to the kernel in one call; a longer batch takes several.
constexpr std::size_t kPiecesPerWrite = 64;

uv_buf_t buffer_of(std::string_view piece) {
  // libuv does not change what it writes.
  return uv_buf_init(const_cast<char*>(piece.data()), static_cast<unsigned>(piece.size()));
}

// A socket's own calls are cheaper than those that work for every file, which libuv uses. Returns
// what was taken, -1 when the connection broke.
ssize_t send_now(int fd, std::span<const std::string_view> pieces) {
  std::array<iovec, kPiecesPerWrite> parts;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = pieces.size();
  while (true) {
    const ssize_t taken = pieces.size() == 1
                              ? ::send(fd, pieces[0].data(), pieces[0].size(), MSG_NOSIGNAL)
                              : ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (taken >= 0) return taken;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return 0;
    if (errno != EINTR) return -1;
  }
}

std::size_t bytes_in(std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  return bytes;
}

}  // namespace

bool TcpTransport::adopt(ReadTurn& turn, int fd, MakeEvents make_events) {
  auto* transport = new TcpTransport(turn, fd);
  uv_tcp_init(turn.loop(), &transport->handle_);
  transport->handle_.data = transport;
  if (uv_tcp_open(&transport->handle_, fd) != 0) {
    ::close(fd);
    transport->close();
    return false;
  }
  transport->events_ = make_events(*transport);
  transport->resume_reading();
  return true;
}

std::optional<std::size_t> TcpTransport::try_write(std::span<const std::string_view> pieces) {
  std::size_t taken = 0;
  while (!pieces.empty()) {
    const std::span<const std::string_view> now =
        pieces.first(std::min(pieces.size(), kPiecesPerWrite));
    const ssize_t sent = send_now(fd_, now);
    if (sent < 0) return std::nullopt;
    taken += static_cast<std::size_t>(sent);
    if (static_cast<std::size_t>(sent) < bytes_in(now)) break;
    pieces = pieces.subspan(now.size());
  }
  return taken;
}

bool TcpTransport::write(std::span<const std::string_view> pieces) {
  std::vector<uv_buf_t> buffers(pieces.size());
  std::transform(pieces.begin(), pieces.end(), buffers.begin(), buffer_of);
  write_request_ = std::make_unique<uv_write_t>();
  write_request_->data = this;
  return uv_write(write_request_.get(), stream(), buffers.data(),
                  static_cast<unsigned>(buffers.size()), on_written) == 0;
}

std::size_t TcpTransport::unwritten() const {
  return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&handle_));
}

void TcpTransport::pause_reading() { uv_read_stop(stream()); }

void TcpTransport::resume_reading() { uv_read_start(stream(), on_buffer_wanted, on_read); }

// Nothing is queued in libuv, so nothing has to be waited for.
void TcpTransport::shutdown() { ::shutdown(fd_, SHUT_WR); }

void TcpTransport::close() {
  auto* handle = reinterpret_cast<uv_handle_t*>(&handle_);
  if (uv_is_closing(handle) != 0) return;
  turn_.forget(*this);
  fd_ = -1;
  uv_close(handle, [](uv_handle_t* closed) { delete static_cast<TcpTransport*>(closed->data); });
}

void TcpTransport::on_buffer_wanted(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  auto* const transport = static_cast<TcpTransport*>(handle->data);
  const bool has_had_its_turn = std::exchange(transport->filled_buffer_, false);
  const std::span<char> room = has_had_its_turn ? std::span<char>() : transport->turn_.buffer();
  *buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
}

void TcpTransport::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  auto* const transport = static_cast<TcpTransport*>(stream->data);
  if (size == UV_ENOBUFS) return;  // it was given none
  if (size > 0) {
    transport->filled_buffer_ = static_cast<std::size_t>(size) == buffer->len;
    return transport->turn_.add(*transport, static_cast<std::size_t>(size));
  }
  if (size == 0) return;
  transport->turn_.hand_on_first(*transport);
  if (uv_is_closing(reinterpret_cast<uv_handle_t*>(stream)) != 0) return;
  if (size == UV_EOF) {
    transport->events_->on_read_end();
  } else {
    transport->events_->on_broken();
  }
}

void TcpTransport::on_written(uv_write_t* request, int status) {
  auto* const transport = static_cast<TcpTransport*>(request->data);
  const std::unique_ptr<uv_write_t> done = std::move(transport->write_request_);
  if (status == UV_ECANCELED) return;  // closed by us
  if (status < 0) {
    transport->events_->on_broken();
  } else {
    transport->events_->on_written();
  }
}

}  // namespace durable_streams::server
