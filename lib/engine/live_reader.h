// A reader that stays with a stream: it holds the stream's expiry off, reads on from its position,
// and is woken when there is more. Long-polls, SSE responses and followers are made of it.
#pragma once

#include <durable_streams/result.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "engine/live_kind.h"
#include "engine/operations.h"
#include "engine/stream.h"

namespace durable_streams {

// Embedded in what waits; on_ready() is its only call back. Streams::Impl::open_live() attaches it
// to one incarnation: when that is removed, reads fail with kNotFound or kGone, whatever lies at
// its path then. It outlives the completions of its own open_live() and read(), and ends before its
// handle does. Threads: loop only.
class LiveReader {
 public:
  struct State {
    Offset tail;
    bool closed = false;
    bool removed = false;  // or soft-deleted, or expired
  };

  explicit LiveReader(LiveKind kind) : kind_(kind) {}
  virtual ~LiveReader() { detach(); }
  LiveReader(const LiveReader&) = delete;
  LiveReader& operator=(const LiveReader&) = delete;

  LiveKind kind() const { return kind_; }
  bool attached() const { return stream_ != nullptr; }
  bool waiting() const { return waiting_; }

  // Where the next read starts. open_live() sets it behind its page; after a read() it is the
  // caller's to move, so that what could not be used is read again.
  Offset position() const { return position_; }
  void set_position(Offset position) { position_ = position; }

  // What readers see of the stream now.
  State state() const;
  StreamId stream_id() const;

  // A page from position() on; possibly empty. Fills `out` when it answers at once; nullopt: `done`
  // is called later.
  std::optional<Status> read(std::size_t bytes_max, ReadAnswer& out, Completion<ReadAnswer> done);

  // Arms on_ready(), once, for when the stream has bytes past position(), is closed or removed.
  // False, without arming, when that is so already.
  bool wait();

  // Disarms: on_ready() is not called any more.
  void stop_waiting();

  // Leaves the stream; its countdown restarts when the last reader has left.
  void detach();

  // Leaves the stream because the read that attached it was refused, which counts for nothing.
  void give_up();

 protected:
  // Runs on the loop, from a task of its own; may destroy this.
  virtual void on_ready() = 0;

 private:
  friend class Streams;
  friend class Engine;

  // With the shard's lock held.
  // `waits`: it counts among the stream's waiters.
  void attach(std::shared_ptr<Stream> stream, bool waits);
  void unlink();
  void leave(Outcome outcome);

  Streams::Impl* handle_ = nullptr;
  std::shared_ptr<Stream> stream_;
  Offset position_;
  const LiveKind kind_;
  bool counted_ = false;  // among the stream's waiters
  bool waiting_ = false;
  bool in_group_ = false;  // linked into a group of its stream, under the shard's lock; else the
                           // handle is waking it
  LiveReader* previous_ = nullptr;
  LiveReader* next_ = nullptr;
};

}  // namespace durable_streams
