// The tasks posted to one event loop, from any thread, in one order.
#pragma once

#include <durable_streams/event_loop.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace durable_streams {

// Owned by a loop. Threads: push from any; the rest loop only.
class PostQueue {
 public:
  PostQueue() = default;
  PostQueue(const PostQueue&) = delete;
  PostQueue& operator=(const PostQueue&) = delete;

  // Appends a task. The first of a batch also calls `wake`, and under the lock: a task may bring
  // about the end of its loop, which must then not be woken any more.
  template <class Wake>
  void push(Task task, Wake&& wake) {
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) wake();
  }

  // Runs what was posted before the call, in order, each destroyed before the next one runs;
  // returns how many.
  std::size_t run();

  // Destroys every task without running it, also those that destroying posts; returns how many.
  std::size_t drop_all();

 private:
  std::vector<Task> take(std::vector<Task> room);

  Mutex mutex_;
  std::vector<Task> tasks_ DURABLE_STREAMS_GUARDED_BY(mutex_);

  std::vector<Task> room_;  // loop only: the last batch's memory, for the next
};

}  // namespace durable_streams
