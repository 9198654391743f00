// Two vectors change places, so that a loop in its stride allocates nothing.
#include "loop/post_queue.h"

namespace durable_streams {
namespace {

// A burst's memory beyond this is given back.
constexpr std::size_t kKeptTasksMax = 1024;

}  // namespace

std::size_t PostQueue::run() {
  // A task may turn the loop itself, so the batch is this call's own.
  std::vector<Task> batch = take(std::exchange(room_, {}));
  for (Task& task : batch) {
    task();
    task = nullptr;
  }
  const std::size_t ran = batch.size();
  batch.clear();
  if (batch.capacity() <= kKeptTasksMax) room_ = std::move(batch);
  return ran;
}

std::size_t PostQueue::drop_all() {
  std::size_t dropped = 0;
  for (;;) {
    const std::vector<Task> batch = take({});
    if (batch.empty()) return dropped;
    dropped += batch.size();
  }
}

std::vector<Task> PostQueue::take(std::vector<Task> room) {
  const MutexLock lock(mutex_);
  room.swap(tasks_);
  return room;
}

}  // namespace durable_streams
