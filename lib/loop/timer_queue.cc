// A four-ary heap: half as deep as a binary one, and the four children of an entry lie in one or
// two cache lines.
#include "loop/timer_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace durable_streams {
namespace {

constexpr std::size_t kChildren = 4;

EventLoop::TimePoint deadline_after(EventLoop::TimePoint now, std::chrono::milliseconds delay) {
  if (delay.count() <= 0) return now;
  const auto room =
      std::chrono::floor<std::chrono::milliseconds>(EventLoop::TimePoint::max() - now);
  return delay > room ? EventLoop::TimePoint::max() : now + delay;
}

}  // namespace

EventLoop::TimerId TimerQueue::add(TimePoint now, std::chrono::milliseconds delay, Task task) {
  const std::uint32_t slot = take_slot();
  this->task(slot) = std::move(task);
  // Grown by a quarter, not doubled: the room to spare is most of what the heap costs a timer.
  if (heap_.size() == heap_.capacity()) heap_.reserve(heap_.size() + heap_.size() / 4 + 16);
  const Entry entry{deadline_after(now, delay), next_sequence_++, slot};
  heap_.push_back(entry);
  sift_up(heap_.size() - 1, entry);
  return std::uint64_t{generation(slot)} << 32 | slot;
}

void TimerQueue::cancel(TimerId timer) {
  const auto slot = static_cast<std::uint32_t>(timer);
  if (slot / kBlockSlots >= blocks_.size() || generation(slot) != timer >> 32) return;
  // A free slot's generation is that of a timer yet to come, which nobody should know.
  const std::size_t at = position(slot);
  if (at >= heap_.size() || heap_[at].slot != slot) return;
  const Task dropped = take(at);
}

std::size_t TimerQueue::run_due(TimePoint now) {
  // What is set from here on sorts behind all that was due before, so the first of them ends the
  // turn.
  const std::uint64_t end = next_sequence_;
  std::size_t ran = 0;
  while (!heap_.empty() && heap_.front().deadline <= now && heap_.front().sequence < end) {
    Task due = take(0);
    due();
    ++ran;
  }
  return ran;
}

std::size_t TimerQueue::drop_all() {
  std::size_t dropped = 0;
  for (; !heap_.empty(); ++dropped) {
    const Task task = take(heap_.size() - 1);
  }
  return dropped;
}

std::optional<EventLoop::TimePoint> TimerQueue::next_deadline() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().deadline;
}

std::size_t TimerQueue::memory_bytes() const {
  return heap_.capacity() * sizeof(Entry) + blocks_.capacity() * sizeof(blocks_[0]) +
         blocks_.size() * sizeof(Block);
}

std::uint32_t TimerQueue::take_slot() {
  if (free_slot_ == kNoSlot) add_block();
  const std::uint32_t slot = free_slot_;
  free_slot_ = position(slot);
  return slot;
}

void TimerQueue::release_slot(std::uint32_t slot) {
  if (generation(slot) == generations_max_) {
    generation(slot) = 0;
    return;
  }
  ++generation(slot);
  position(slot) = std::exchange(free_slot_, slot);
}

void TimerQueue::add_block() {
  DURABLE_STREAMS_ASSERT(blocks_.size() < kNoSlot / kBlockSlots);
  const auto first = static_cast<std::uint32_t>(blocks_.size() * kBlockSlots);
  blocks_.push_back(std::make_unique<Block>());
  for (std::uint32_t slot = first + kBlockSlots; slot-- > first;) {
    generation(slot) = 1;
    position(slot) = std::exchange(free_slot_, slot);
  }
}

Task TimerQueue::take(std::size_t at) {
  const std::uint32_t slot = heap_[at].slot;
  Task taken = std::move(task(slot));
  release_slot(slot);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return taken;
  if (at > 0 && before(last, heap_[(at - 1) / kChildren])) {
    sift_up(at, last);
  } else {
    sift_down(at, last);
  }
  return taken;
}

void TimerQueue::place(std::size_t at, const Entry& entry) {
  heap_[at] = entry;
  position(entry.slot) = static_cast<std::uint32_t>(at);
}

void TimerQueue::sift_up(std::size_t at, const Entry& entry) {
  while (at > 0) {
    const std::size_t parent = (at - 1) / kChildren;
    if (!before(entry, heap_[parent])) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void TimerQueue::sift_down(std::size_t at, const Entry& entry) {
  for (;;) {
    const std::size_t first = at * kChildren + 1;
    if (first >= heap_.size()) break;
    const auto children = heap_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kChildren, heap_.size() - first));
    const auto least = std::min_element(children, children + count, before);
    if (!before(*least, entry)) break;
    const auto next = static_cast<std::size_t>(least - heap_.begin());
    place(at, *least);
    at = next;
  }
  place(at, entry);
}

}  // namespace durable_streams
