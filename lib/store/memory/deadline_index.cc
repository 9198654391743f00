// A binary heap whose items know their place, so that any of them can be moved or taken out.
#include "store/memory/deadline_index.h"

#include <queue>
#include <string>

namespace durable_streams {

void DeadlineIndex::set(MemoryStream& stream, WallTime deadline) {
  const MutexLock lock(mutex_);
  const bool present = stream.deadline_slot != MemoryStream::kNoSlot;
  if (deadline == kNever) {
    if (present) remove(stream.deadline_slot);
  } else {
    if (!present) {
      stream.deadline_slot = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back({deadline, &stream});
    }
    settle(stream.deadline_slot, {deadline, &stream});
  }
  const WallTime earliest = heap_.empty() ? kNever : heap_.front().deadline;
  earliest_ms_.store(earliest.time_since_epoch().count(), std::memory_order_release);
}

std::vector<ExpiredStream> DeadlineIndex::due(WallTime now, std::size_t count_max) {
  std::vector<ExpiredStream> found;
  if (now < earliest()) return found;
  const MutexLock lock(mutex_);
  // Walks the heap from its top, keeping the items whose parents were found: only they can be next.
  using Candidate = std::pair<WallTime, std::size_t>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](std::size_t slot) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    if (slot < heap_.size() && heap_[slot].deadline <= now) {
      candidates.emplace(heap_[slot].deadline, slot);
    }
  };
  consider(0);
  while (!candidates.empty() && found.size() < count_max) {
    const std::size_t slot = candidates.top().second;
    candidates.pop();
    const MemoryStream& stream = *heap_[slot].stream;
    found.push_back({.id = stream.id, .path = std::string(stream.path())});
    consider(2 * slot + 1);
    consider(2 * slot + 2);
  }
  return found;
}

void DeadlineIndex::put(std::size_t slot, Item item) {
  heap_[slot] = item;
  item.stream->deadline_slot = static_cast<std::uint32_t>(slot);
}

void DeadlineIndex::rise(std::size_t slot, Item item) {
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / 2;
    if (heap_[parent].deadline <= item.deadline) break;
    put(slot, heap_[parent]);
    slot = parent;
  }
  put(slot, item);
}

void DeadlineIndex::settle(std::size_t slot, Item item) {
  while (true) {
    std::size_t child = 2 * slot + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].deadline < heap_[child].deadline) ++child;
    if (item.deadline <= heap_[child].deadline) break;
    put(slot, heap_[child]);
    slot = child;
  }
  rise(slot, item);
}

void DeadlineIndex::remove(std::size_t slot) {
  heap_[slot].stream->deadline_slot = MemoryStream::kNoSlot;
  const Item last = heap_.back();
  heap_.pop_back();
  if (slot < heap_.size()) settle(slot, last);
}

}  // namespace durable_streams
