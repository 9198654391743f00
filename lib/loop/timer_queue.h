// The timers of one event loop, in the order they are due. Every waiting reader has one, and nearly
// all are cancelled, so both setting and cancelling must be cheap with tens of thousands of them.
#pragma once

#include <durable_streams/event_loop.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace durable_streams {

// A four-ary heap of small entries over slots that hold the tasks. Each slot knows where its entry
// stands, so that a cancelled timer leaves nothing behind. Tasks may set and cancel timers while
// they run or are destroyed. Memory follows the most timers there ever were at once, about 100
// bytes each. Owned by a loop. Threads: one at a time.
class TimerQueue {
 public:
  using TimePoint = EventLoop::TimePoint;
  using TimerId = EventLoop::TimerId;

  // A slot is given up for good after `generations_max` timers, so that no id comes twice.
  explicit TimerQueue(std::uint32_t generations_max = std::numeric_limits<std::uint32_t>::max())
      : generations_max_(generations_max) {}
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Due `delay` after `now`; a negative delay is none.
  TimerId add(TimePoint now, std::chrono::milliseconds delay, Task task);

  // Destroys the timer's task before it returns; an id that names no waiting timer is ignored.
  void cancel(TimerId timer);

  // Runs, in order of their deadlines and then as they were set, the timers due at `now` that were
  // set before the call. Returns how many. What runs may set new ones, but none due before `now`.
  std::size_t run_due(TimePoint now);

  // Destroys every timer without running it, also those that destroying sets; returns how many.
  std::size_t drop_all();

  std::optional<TimePoint> next_deadline() const;
  std::size_t size() const { return heap_.size(); }
  std::size_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kBlockSlots = 128;
  static constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();

  struct Entry {
    TimePoint deadline;
    std::uint64_t sequence;
    std::uint32_t slot;
  };

  // Slots by the block, so that they stay where they are. An id is its slot's generation and
  // number; the generation moves on when the timer leaves, and is 0 once the slot is given up.
  struct Block {
    std::array<Task, kBlockSlots> tasks;
    std::array<std::uint32_t, kBlockSlots> generations;
    std::array<std::uint32_t, kBlockSlots> positions;  // in the heap, or the next free slot
  };

  static bool before(const Entry& a, const Entry& b) {
    return a.deadline != b.deadline ? a.deadline < b.deadline : a.sequence < b.sequence;
  }

  Task& task(std::uint32_t slot) { return blocks_[slot / kBlockSlots]->tasks[slot % kBlockSlots]; }
  std::uint32_t& generation(std::uint32_t slot) {
    return blocks_[slot / kBlockSlots]->generations[slot % kBlockSlots];
  }
  std::uint32_t& position(std::uint32_t slot) {
    return blocks_[slot / kBlockSlots]->positions[slot % kBlockSlots];
  }

  std::uint32_t take_slot();
  void release_slot(std::uint32_t slot);
  void add_block();

  // Takes out the timer at `at` in the heap.
  Task take(std::size_t at);
  void place(std::size_t at, const Entry& entry);
  void sift_up(std::size_t at, const Entry& entry);
  void sift_down(std::size_t at, const Entry& entry);

  const std::uint32_t generations_max_;
  std::uint64_t next_sequence_ = 0;
  std::uint32_t free_slot_ = kNoSlot;
  std::vector<Entry> heap_;
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace durable_streams
