// What a program takes from the heap, counted by operators new and delete of its own: a program
// that is linked with heap_count.cc.
#pragma once

#include <atomic>
#include <cstdint>

namespace durable_streams {

extern std::atomic<std::int64_t> allocated_bytes;        // as they were asked for
extern std::atomic<std::int64_t> allocated_block_bytes;  // as the C library's allocator takes them
extern std::atomic<std::int64_t> allocations;            // ever made

}  // namespace durable_streams
