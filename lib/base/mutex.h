// A mutex whose users can be checked by clang's thread-safety analysis: fields name the lock that
// guards them.
#pragma once

#include <mutex>

#if defined(__clang__)
#define DURABLE_STREAMS_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define DURABLE_STREAMS_THREAD_ATTRIBUTE(x)
#endif

#define DURABLE_STREAMS_CAPABILITY(name) DURABLE_STREAMS_THREAD_ATTRIBUTE(capability(name))
#define DURABLE_STREAMS_SCOPED_CAPABILITY DURABLE_STREAMS_THREAD_ATTRIBUTE(scoped_lockable)
#define DURABLE_STREAMS_GUARDED_BY(mutex) DURABLE_STREAMS_THREAD_ATTRIBUTE(guarded_by(mutex))
#define DURABLE_STREAMS_REQUIRES(...) \
  DURABLE_STREAMS_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define DURABLE_STREAMS_EXCLUDES(...) DURABLE_STREAMS_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define DURABLE_STREAMS_ACQUIRE(...) \
  DURABLE_STREAMS_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define DURABLE_STREAMS_RELEASE(...) \
  DURABLE_STREAMS_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS \
  DURABLE_STREAMS_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace durable_streams {

// Threads: any.
class DURABLE_STREAMS_CAPABILITY("mutex") Mutex {
 public:
  void lock() DURABLE_STREAMS_ACQUIRE() { mutex_.lock(); }
  bool try_lock() DURABLE_STREAMS_THREAD_ATTRIBUTE(try_acquire_capability(true)) {
    return mutex_.try_lock();
  }
  void unlock() DURABLE_STREAMS_RELEASE() { mutex_.unlock(); }

  // For std::condition_variable and nothing else.
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope. Threads: one at a time.
class DURABLE_STREAMS_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DURABLE_STREAMS_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() DURABLE_STREAMS_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace durable_streams
