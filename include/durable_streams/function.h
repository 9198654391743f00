// A callable that is moved, never copied: what completions and posted tasks are kept in. The
// standard library's own arrives with C++23.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace durable_streams {

template <class Signature, std::size_t InlineBytes = 48>
class Function;

// Owns one callable. Small ones (up to InlineBytes, not throwing when moved) live inside; others
// on the heap. Calling an empty Function is undefined. Threads: one at a time.
template <class R, class... Args, std::size_t InlineBytes>
class Function<R(Args...), InlineBytes> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)

  template <class F, class D = std::decay_t<F>,
            class = std::enable_if_t<!std::is_same_v<D, Function> &&
                                     std::is_invocable_r_v<R, D&, Args...>>>
  Function(F&& callable) {  // NOLINT(google-explicit-constructor)
    if constexpr (kFits<D>) {
      ::new (static_cast<void*>(storage_)) D(std::forward<F>(callable));
      ops_ = &kInlineOps<D>;
    } else {
      ::new (static_cast<void*>(storage_)) D*(new D(std::forward<F>(callable)));
      ops_ = &kHeapOps<D>;
    }
  }

  Function(Function&& other) noexcept { take(other); }
  Function& operator=(Function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  ~Function() { reset(); }

  explicit operator bool() const { return ops_ != nullptr; }

  R operator()(Args... args) { return ops_->call(storage_, std::forward<Args>(args)...); }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* to, void* from);  // also destroys `from`
    void (*destroy)(void*);
  };

  template <class D>
  static constexpr bool kFits =
      sizeof(D) <= InlineBytes &&
      alignof(D) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<D>;

  template <class D>
  static constexpr Ops kInlineOps = {[](void* self, Args&&... args) -> R {
                                       return std::invoke(*static_cast<D*>(self),
                                                          std::forward<Args>(args)...);
                                     },
                                     [](void* to, void* from) {
                                       ::new (to) D(std::move(*static_cast<D*>(from)));
                                       static_cast<D*>(from)->~D();
                                     },
                                     [](void* self) { static_cast<D*>(self)->~D(); }};

  template <class D>
  static constexpr Ops kHeapOps = {
      [](void* self, Args&&... args) -> R {
        return std::invoke(**static_cast<D**>(self), std::forward<Args>(args)...);
      },
      [](void* to, void* from) { ::new (to) D*(*static_cast<D**>(from)); },
      [](void* self) { delete *static_cast<D**>(self); }};

  void take(Function& other) noexcept {
    if (other.ops_ == nullptr) return;
    other.ops_->move(storage_, other.storage_);
    ops_ = std::exchange(other.ops_, nullptr);
  }

  void reset() {
    if (ops_ != nullptr) std::exchange(ops_, nullptr)->destroy(storage_);
  }

  alignas(std::max_align_t) std::byte storage_[InlineBytes];
  const Ops* ops_ = nullptr;
};

}  // namespace durable_streams
