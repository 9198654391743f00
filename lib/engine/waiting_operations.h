// The operations of one handle that wait for their answer, by name.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace durable_streams {

// Their memory is used again, so that a steady flow of them allocates nothing. Threads: loop only.
class WaitingOperations {
 public:
  // Holds an append's answer and its completion in place.
  using Resume = Function<void(const Status&), 192>;

  // Returns a name that no other waiting operation has.
  std::uint64_t add(Resume resume) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    slots_[index].resume = std::move(resume);
    slots_[index].name = (++added_ << kIndexBits) | index;
    return slots_[index].name;
  }

  // Takes one out; empty when none has that name.
  Resume take(std::uint64_t name) {
    const auto index = static_cast<std::uint32_t>(name);
    if (index >= slots_.size() || slots_[index].name != name || !slots_[index].resume) return {};
    Resume taken = std::move(slots_[index].resume);
    free_.push_back(index);
    if (free_.size() == slots_.size() && slots_.size() > kKeptMax) {
      slots_ = std::vector<Slot>();
      free_ = std::vector<std::uint32_t>();
    }
    return taken;
  }

  // Resumes all of them with `status`, also those that come meanwhile.
  void resume_all(const Status& status) {
    while (free_.size() < slots_.size()) {
      // By number, for what is resumed may add slots.
      for (std::size_t i = 0; i < slots_.size(); ++i) {  // NOLINT(modernize-loop-convert)
        if (slots_[i].resume) take(slots_[i].name)(status);
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t name = 0;
    Resume resume;
  };

  // After a peak, so many keep their memory.
  static constexpr std::size_t kKeptMax = 1024;
  static constexpr unsigned kIndexBits = 32;

  // A name is its index in the low bits, and above them the count of those before it.
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t added_ = 0;
};

}  // namespace durable_streams
