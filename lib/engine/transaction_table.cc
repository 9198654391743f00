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
  const std::uint32_t slot = free_slot();
  std::unique_ptr<Transaction>& transaction = slots_[slot];
  if (transaction == nullptr) transaction = std::make_unique<Transaction>();
  if ((++begun_ << kSlotBits) == 0) ++begun_;
  transaction->slot = slot;
  transaction->ticket = (begun_ << kSlotBits) | slot;
  return *transaction;
}

std::uint32_t TransactionTable::free_slot() {
  if (free_.empty() && bare_.empty()) {
    slots_.push_back(nullptr);
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  std::vector<std::uint32_t>& from = free_.empty() ? bare_ : free_;
  const std::uint32_t slot = from.back();
  from.pop_back();
  return slot;
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
  for (Transaction* each : over) {
    if (each == nullptr) continue;
    each->ticket = 0;
    const std::uint32_t slot = each->slot;
    const bool keeps = free_.size() < kKeptMax;
    if (!keeps) slots_[slot] = nullptr;
    (keeps ? free_ : bare_).push_back(slot);
  }
}

std::size_t TransactionTable::held() const {
  const MutexLock lock(mutex_);
  return slots_.size() - bare_.size();
}

}  // namespace durable_streams
