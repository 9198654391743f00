// The engine: every rule of the protocol that is not HTTP, over one store, shared by all threads of
// a process.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/export.h>
#include <durable_streams/store.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace durable_streams {

struct EngineOptions {
  // Streams are spread over this many locks; rounded up to a power of two.
  std::size_t shards = 64;

  // How many streams' states are held ready in memory. Beyond it the least recently used idle ones
  // are left to the store.
  std::size_t loaded_streams_max = 131'072;

  // The largest number of bytes that one create or append may bring; more is kTooLarge.
  std::size_t append_bytes_max = std::size_t{64} << 20;

  // How many streams there may be, soft-deleted ones and forks included; one more is kTooMany. A
  // path counts from the moment its first creation is submitted until nothing of it is left or on
  // its way, so that no two creations pass the limit together. 0: no limit.
  std::uint64_t streams_max = 0;

  // How many bytes of its own a stream may hold, not counting those that a fork inherits; a create
  // or append past it is kTooLarge, whole. Closing and a producer's retry bring nothing, and go on.
  // 0: no limit.
  std::uint64_t stream_bytes_max = 0;

  // How many long-polls, SSE responses and followers stay with one stream at most; one more is
  // kTooMany, and those that are there stay. A long-poll that is answered at once does not count.
  // Each append wakes all of them: by default as many as the server takes connections.
  std::uint32_t waiters_per_stream_max = 65'536;

  // How many idempotent producers a stream knows at most. Past it a new id is kTooMany, and none
  // that is known is forgotten for it, unless `producer_ttl` allows it.
  std::size_t producers_per_stream_max = 10'000;

  // A producer that has had nothing accepted for so long is unknown again: it begins at sequence 0,
  // in any epoch, and may make way for a new id. Without it none is ever forgotten.
  std::optional<std::chrono::milliseconds> producer_ttl = {};

  // How many bytes a page holds unless its reader asks for fewer.
  std::size_t page_bytes_max = std::size_t{1} << 20;

  // Wall time for expiry; must outlive the engine. Null: the system's clock.
  const Clock* clock = nullptr;
};

struct EngineStats {
  std::uint64_t loaded_streams = 0;
  std::uint64_t waiting_readers = 0;  // at a tail: the sum of the next three
  std::uint64_t waiting_long_polls = 0;
  std::uint64_t waiting_sse = 0;
  std::uint64_t waiting_followers = 0;
  std::uint64_t appends = 0;
  std::uint64_t appended_bytes = 0;
  std::uint64_t new_producers = 0;  // that a stream had not known when they first appended to it
  std::uint64_t expired_streams = 0;
};

// Borrows a store, which outlives it. Used through Streams handles, one for each event loop; the
// engine outlives them. Threads: any.
class DURABLE_STREAMS_EXPORT Engine {
 public:
  explicit Engine(Store& store, EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const EngineOptions& options() const;
  Store& store() const;
  EngineStats stats() const;

  // The implementation, for this library's own endpoint; its type is not part of the API.
  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace durable_streams
