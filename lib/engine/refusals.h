// What the engine says when there is nothing to work on; the same words for every operation.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>

namespace durable_streams {

inline constexpr char kEmptyAppend[] = "an append needs a body, unless it closes the stream";

// There is no stream at the path, or there is none any more.
Error no_such_stream();

// There is no stream to fork.
Error no_such_source();

// The stream was deleted, and is only kept for its forks.
Error stream_gone();

// The offset names bytes that readers have seen, and that the store no longer has.
Error offset_lost();

// There are as many streams as there may be.
Error too_many_streams(std::uint64_t streams_max);

// As many readers stay with the stream as may.
Error too_many_waiters(std::uint32_t waiters_max);

// The stream would hold more bytes of its own than it may.
Error stream_full(std::uint64_t bytes_max);

// What an answer that waited for another's change says when that change was refused.
Error dependency_failed();

}  // namespace durable_streams
