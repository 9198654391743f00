// What becomes of changes: in flight, then committed or undecided, at last kept.
#include "tests/sim/change_history.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace durable_streams {

void ChangeHistory::submitted(const Change& change) {
  if (const auto* create = std::get_if<CreateChange>(&change)) {
    const StreamRecord& record = create->record;
    const Birth birth{.expiry = record.expiry, .touched = clock_.now()};
    violations_.check(births_.emplace(record.id, birth).second, "a stream id was given twice");
  }
  in_flight_.push_back({.ticket = ++last_ticket_, .change = std::make_shared<OwnedChange>(change)});
}

void ChangeHistory::told(Ticket ticket, const Status& status, bool for_good) {
  if (in_flight_.empty() || in_flight_.front().ticket != ticket) {
    return violations_.add("outcomes are not told in the order of submission");
  }
  Waiting oldest = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (status.ok()) {
    violations_.check(undecided_.empty(), "a change was committed after a failure for good");
    return commit(std::move(oldest.change));
  }
  ++refused_;
  deadline_lost_ = true;
  // Nothing may be left of what was refused for want of room or descriptors.
  if (for_good) undecided_.push_back({.change = std::move(oldest.change)});
}

void ChangeHistory::not_taken(const Change& change) {
  if (std::holds_alternative<DeadlineChange>(change)) deadline_lost_ = true;
}

void ChangeHistory::commit(KeptChange change) {
  const std::string fault = ledger_.commit(change->change());
  if (!fault.empty()) violations_.add(fault);
  committed_.push_back(std::move(change));
}

std::vector<ChangeHistory::KeptChange> ChangeHistory::since(std::uint64_t count) const {
  std::vector<KeptChange> changes(committed_.begin() + static_cast<std::ptrdiff_t>(count),
                                  committed_.end());
  for (const Undecided& undecided : undecided_) changes.push_back(undecided.change);
  for (const Waiting& waiting : in_flight_) changes.push_back(waiting.change);
  return changes;
}

void ChangeHistory::kept(std::uint64_t count) { kept_ = std::max(kept_, count); }

void ChangeHistory::crashed(bool loses) {
  deadline_lost_ = false;
  for (Waiting& waiting : in_flight_) undecided_.push_back({.change = std::move(waiting.change)});
  in_flight_.clear();
  if (!loses || kept_ == committed_.size()) return;
  while (kept_ledger_changes_ < kept_) {
    kept_ledger_.commit(committed_[kept_ledger_changes_++]->change());
  }
  for (; committed_.size() > kept_; committed_.pop_back())
    undecided_.push_front({.change = std::move(committed_.back()), .acknowledged = true});
  ledger_ = kept_ledger_;
}

void ChangeHistory::restored(Ledger ledger, std::uint64_t count, std::vector<KeptChange> later) {
  ledger_ = std::move(ledger);
  kept_ledger_ = ledger_;
  kept_ledger_changes_ = kept_ = count;
  committed_.resize(count);
  in_flight_.clear();
  undecided_.clear();
  for (KeptChange& change : later) undecided_.push_back({.change = std::move(change)});
}

void ChangeHistory::decide_next() {
  commit(std::move(undecided_.front().change));
  undecided_.pop_front();
}

void ChangeHistory::drop_undecided() {
  for (const Undecided& undecided : undecided_) lost_ += undecided.acknowledged ? 1 : 0;
  undecided_.clear();
}

void ChangeHistory::touched(StreamId id, WallTime at) {
  WallTime& known = births_.at(id).touched;
  known = std::max(known, at);
}

bool ChangeHistory::may_be_expired(StreamId id) const {
  const Birth& birth = births_.at(id);
  if (birth.expiry.at) return clock_.now() >= *birth.expiry.at;
  if (!birth.expiry.ttl) return false;
  return clock_.now() >= std::max(birth.touched, all_touched_) + *birth.expiry.ttl;
}

}  // namespace durable_streams
