// The changes in flight of an engine, by ticket.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "engine/transaction.h"

namespace durable_streams {

// Its memory is used again, so that a steady flow of changes allocates nothing. Threads: any.
class TransactionTable {
 public:
  // A transaction with a ticket that no other has.
  Transaction& begin();

  // The transactions that these outcomes are of, in `out`, which is as long; null for a ticket that
  // was taken before or never given. They are the caller's until they end.
  void take(std::span<const CommitOutcome> outcomes, std::span<Transaction*> out);

  // They are over; null ones are ignored.
  void end(std::span<Transaction* const> over);

  // How many transactions have memory, in use or not.
  std::size_t held() const;

 private:
  // After a peak, so many keep their memory.
  static constexpr std::size_t kKeptMax = 4096;
  static constexpr unsigned kSlotBits = 32;

  std::uint32_t free_slot() DURABLE_STREAMS_REQUIRES(mutex_);

  mutable Mutex mutex_;
  // A ticket is its slot in the low bits, and above them the count of what had begun, never 0.
  std::vector<std::unique_ptr<Transaction>> slots_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> free_ DURABLE_STREAMS_GUARDED_BY(mutex_);  // with their memory
  std::vector<std::uint32_t> bare_ DURABLE_STREAMS_GUARDED_BY(mutex_);  // without
  std::uint64_t begun_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
};

}  // namespace durable_streams
