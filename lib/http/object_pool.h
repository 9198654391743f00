// Memory for objects of one type that come and go with every request.
#pragma once

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace durable_streams::http {

// Keeps the memory of up to `kKeptMax` destroyed objects, so that a steady flow of them allocates
// nothing. Threads: one at a time.
template <class T>
class ObjectPool {
 public:
  ObjectPool() = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  ~ObjectPool() {
    for (void* memory : free_) ::operator delete(memory);
  }

  template <class... Args>
  T* create(Args&&... args) {
    void* memory = nullptr;
    if (free_.empty()) {
      memory = ::operator new(sizeof(T));
    } else {
      memory = free_.back();
      free_.pop_back();
    }
    return ::new (memory) T(std::forward<Args>(args)...);
  }

  void destroy(T* object) {
    object->~T();
    if (free_.size() < kKeptMax) {
      free_.push_back(object);
    } else {
      ::operator delete(object);
    }
  }

  // For an object that outlives the pool which created it.
  static void destroy_orphan(T* object) {
    object->~T();
    ::operator delete(object);
  }

 private:
  // As many exchanges as a busy loop has at once; ten thousand woken together give memory back.
  static constexpr std::size_t kKeptMax = 1024;

  std::vector<void*> free_;
};

}  // namespace durable_streams::http
