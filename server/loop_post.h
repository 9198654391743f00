// The way to a loop for those who may outlive it.
#pragma once

#include <durable_streams/event_loop.h>

#include <mutex>
#include <utility>

namespace durable_streams::server {

// Threads: any.
class LoopPost {
 public:
  explicit LoopPost(EventLoop& loop) : loop_(&loop) {}
  LoopPost(const LoopPost&) = delete;
  LoopPost& operator=(const LoopPost&) = delete;

  // As the loop's; what comes after close() is dropped.
  void post(Task task) {
    const std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->post(std::move(task));
  }

  // Before the loop goes.
  void close() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  EventLoop* loop_;
};

}  // namespace durable_streams::server
