// Slots that are given out again, the one that was used last first.
#include "engine/transaction_table.h"

namespace durable_streams {

void PendingChange::clear() {
  stream = nullptr;
  shown_after = nullptr;
  reserved_before = nullptr;
  state_before = {};
  producers_before.clear();
  touches = false;
  older = newer = nullptr;
}

void Transaction::clear() {
  ticket = 0;
  entry = source = nullptr;
  entry_change.clear();
  source_change.clear();
  entry_rolled_back = source_rolled_back = false;
  release = std::nullopt;
  repays = std::nullopt;
  slid = nullptr;
  requester = nullptr;
  const MutexLock lock(dependents_mutex);
  dependents.clear();
}

Transaction& TransactionTable::begin() {
  const MutexLock lock(mutex_);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(nullptr);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  std::unique_ptr<Transaction>& transaction = slots_[slot];
  if (transaction == nullptr) transaction = std::make_unique<Transaction>();
  if ((++begun_ << kSlotBits) == 0) ++begun_;
  transaction->slot = slot;
  transaction->ticket = (begun_ << kSlotBits) | slot;
  return *transaction;
}

void TransactionTable::take(std::span<const CommitOutcome> outcomes, std::span<Transaction*> out) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Ticket ticket = outcomes[i].ticket;
    const auto slot = static_cast<std::uint32_t>(ticket);
    Transaction* const held = slot < slots_.size() ? slots_[slot].get() : nullptr;
    const bool waits = held != nullptr && ticket != 0 && held->ticket == ticket;
    out[i] = waits ? held : nullptr;
    if (waits) held->ticket = 0;
  }
}

void TransactionTable::end(std::span<Transaction* const> over) {
  for (Transaction* each : over) {
    if (each != nullptr) each->clear();
  }
  const MutexLock lock(mutex_);
  for (const Transaction* each : over) {
    if (each == nullptr) continue;
    const std::uint32_t slot = each->slot;
    if (free_.size() >= kKeptMax) slots_[slot] = nullptr;
    free_.push_back(slot);
  }
}

}  // namespace durable_streams
