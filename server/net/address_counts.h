// How many connections each address has, where that is limited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace durable_streams::server {

// Threads: any.
class AddressCounts {
 public:
  // One connection's place; given back when it is destroyed. It may outlive everything but what
  // shares the counts. Threads: one at a time.
  class Seat {
   public:
    Seat() = default;
    Seat(std::shared_ptr<AddressCounts> counts, std::uint64_t address)
        : counts_(std::move(counts)), address_(address) {}
    Seat(Seat&& other) noexcept = default;
    Seat& operator=(Seat&& other) noexcept {
      give_back();
      counts_ = std::move(other.counts_);
      address_ = other.address_;
      return *this;
    }
    ~Seat() { give_back(); }

   private:
    void give_back() {
      if (counts_) std::exchange(counts_, nullptr)->leave(address_);
    }

    std::shared_ptr<AddressCounts> counts_;
    std::uint64_t address_ = 0;
  };

  // How many connections the address has with this one.
  std::size_t enter(std::uint64_t address) {
    const std::lock_guard lock(mutex_);
    return ++counts_[address];
  }

 private:
  void leave(std::uint64_t address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
  }

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> counts_;
};

}  // namespace durable_streams::server
