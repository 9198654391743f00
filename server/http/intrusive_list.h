// A list whose links lie in its elements: joining and leaving cost no allocation and no search.
#pragma once

#include <utility>

namespace durable_streams::server {

// An element's place in one list. An element leaves its lists before it is destroyed.
template <class T>
struct ListLink {
  T* before = nullptr;
  T* after = nullptr;
  bool linked = false;
};

// `Link` is the member of T that holds its place. Threads: one at a time.
template <class T, ListLink<T> T::*Link>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return first_ == nullptr; }
  T* first() const { return first_; }
  T* last() const { return last_; }
  T* after(const T& element) const { return (element.*Link).after; }
  bool holds(const T& element) const { return (element.*Link).linked; }

  void push_back(T& element) {
    element.*Link = {.before = last_, .after = nullptr, .linked = true};
    (last_ != nullptr ? (last_->*Link).after : first_) = &element;
    last_ = &element;
  }

  void remove(T& element) {
    const ListLink<T> link = std::exchange(element.*Link, ListLink<T>{});
    (link.before != nullptr ? (link.before->*Link).after : first_) = link.after;
    (link.after != nullptr ? (link.after->*Link).before : last_) = link.before;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace durable_streams::server
