// The one assertion of the library, for broken invariants only: it stays on in release builds.
// Input and I/O never hit it.
#pragma once

namespace durable_streams::internal {

[[noreturn]] void fail_assertion(const char* condition, const char* file, int line);

}  // namespace durable_streams::internal

#define DURABLE_STREAMS_ASSERT(condition) \
  (static_cast<bool>(condition)           \
       ? static_cast<void>(0)             \
       : ::durable_streams::internal::fail_assertion(#condition, __FILE__, __LINE__))
