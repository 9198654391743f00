// What the engine says when there is nothing to work on; the same words for every operation.
#pragma once

#include <durable_streams/result.h>

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

// What an answer that waited for another's change says when that change was refused.
Error dependency_failed();

}  // namespace durable_streams
