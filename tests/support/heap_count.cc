#include "tests/support/heap_count.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace durable_streams {

std::atomic<std::int64_t> allocated_bytes{0};
std::atomic<std::int64_t> allocated_block_bytes{0};
std::atomic<std::int64_t> allocations{0};

}  // namespace durable_streams

namespace {

// Before each block, for its size.
constexpr std::size_t kHeaderBytes = alignof(std::max_align_t);

// What a block of this size takes with the C library's allocator: 8 bytes of its own, in units
// of 16.
std::int64_t block_bytes(std::size_t size) {
  return static_cast<std::int64_t>(std::max<std::size_t>(32, (size + 8 + 15) / 16 * 16));
}

void count(std::size_t size, std::int64_t blocks) {
  durable_streams::allocated_bytes += blocks * static_cast<std::int64_t>(size);
  durable_streams::allocated_block_bytes += blocks * block_bytes(size);
}

}  // namespace

// All forms are replaced, not only those that the others call: sanitizers bring their own of each.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* const block = std::malloc(kHeaderBytes + size);
  if (block == nullptr) return nullptr;
  *static_cast<std::size_t*>(block) = size;
  count(size, 1);
  ++durable_streams::allocations;
  return static_cast<char*>(block) + kHeaderBytes;
}

void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return operator new(size, std::nothrow);
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  char* const block = static_cast<char*>(memory) - kHeaderBytes;
  count(*reinterpret_cast<std::size_t*>(block), -1);
  std::free(block);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }
