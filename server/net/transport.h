// The seam between a connection and the bytes that it travels on: TCP, TLS over it, and a script in
// tests.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace durable_streams::server {

// What happens on a transport; implemented by what reads from it. No event comes from inside a call
// of the transport. Threads: loop only.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;

  // The peer's next bytes. They live for the call.
  virtual void on_read(std::string_view bytes) = 0;

  // Follows every on_read(), with those of other transports maybe in between, and may come without
  // one: what was answered is to leave now.
  virtual void on_turn_end() = 0;

  // The peer sends nothing more, but may still read.
  virtual void on_read_end() = 0;

  // All that was given to write() has been taken.
  virtual void on_written() = 0;

  // The connection broke. What follows is a close().
  virtual void on_broken() = 0;
};

// One connection to a peer. It owns what listens to its events, and itself: close() ends both, in a
// later turn of the loop. Threads: loop only.
class Transport {
 public:
  virtual ~Transport() = default;

  // Writes what the peer's window takes at once; returns how many bytes that were, or nothing when
  // the connection broke. Not while a write() is under way.
  virtual std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) = 0;

  // Writes all, in time; on_written() says when. The bytes stay as they are until then. One at a
  // time. False: the connection broke.
  virtual bool write(std::span<const std::string_view> pieces) = 0;

  // Of the write under way, what the peer has not taken yet.
  virtual std::size_t unwritten() const = 0;

  // Reading is on from the start.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Tells the peer that nothing more will come. Not while a write() is under way.
  virtual void shutdown() = 0;

  // Ends the connection at once; no event follows. What is still unwritten is lost.
  virtual void close() = 0;
};

}  // namespace durable_streams::server
