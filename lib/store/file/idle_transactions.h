// LMDB's reading transactions that lie ready, so that a call need not enter itself into LMDB's
// table of readers, which takes a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

struct MDB_txn;

namespace durable_streams {

// Each thread looks first where it put its last one. Threads: any.
class IdleTransactions {
 public:
  IdleTransactions() = default;
  IdleTransactions(const IdleTransactions&) = delete;
  IdleTransactions& operator=(const IdleTransactions&) = delete;

  // The caller's to renew; null: none lies ready.
  MDB_txn* take() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[(own_slot() + i) % slots_.size()];
      if (slot.txn.load(std::memory_order_relaxed) == nullptr) continue;
      if (MDB_txn* txn = slot.txn.exchange(nullptr, std::memory_order_acquire)) return txn;
    }
    return nullptr;
  }

  // Lays down one that was reset. False: there is no place, and it stays the caller's.
  bool put(MDB_txn* txn) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      MDB_txn* none = nullptr;
      Slot& slot = slots_[(own_slot() + i) % slots_.size()];
      if (slot.txn.compare_exchange_strong(none, txn, std::memory_order_release)) return true;
    }
    return false;
  }

 private:
  struct alignas(64) Slot {  // each on a cache line of its own
    std::atomic<MDB_txn*> txn{nullptr};
  };

  static std::size_t own_slot() {
    static std::atomic<std::size_t> threads{0};
    thread_local std::size_t own = threads.fetch_add(1, std::memory_order_relaxed);
    return own;
  }

  std::array<Slot, 32> slots_;
};

}  // namespace durable_streams
