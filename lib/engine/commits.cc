// Changes on their way to the store and back: what is shown to readers when they commit, and what
// is put back when not.
#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "engine/engine_impl.h"

namespace durable_streams {

Result<Transaction*> Engine::Impl::submit(const Change& change, Entry& entry, Entry* source) {
  if (commits_at_once_) {
    Result<Submitted> submitted = store_.submit(change, 0);
    if (!submitted) return std::move(submitted).error();
    DURABLE_STREAMS_ASSERT(*submitted == Submitted::kCommitted);
    return nullptr;
  }
  Transaction& pending = transactions_.begin();
  // Before the store has it: its outcome may come on another thread, which then waits for the locks
  // that this one holds.
  pending.entry = &entry;
  pending.source = source;
  Result<Submitted> submitted = store_.submit(change, pending.ticket);
  if (submitted.ok() && *submitted == Submitted::kPending) return &pending;
  end(pending);
  if (!submitted) return std::move(submitted).error();
  return nullptr;
}

void Engine::Impl::end(Transaction& transaction) {
  Transaction* const over = &transaction;
  transactions_.end({&over, 1});
}

PendingChange& Engine::Impl::remember(Transaction& transaction, Entry& entry,
                                      std::shared_ptr<Stream> stream) {
  ++entry.transactions;
  PendingChange& pending = transaction.change_of(entry);
  pending.transaction = &transaction;
  pending.reserved_before = entry.reserved;
  pending.state_before = stream->reserved;
  pending.stream = std::move(stream);
  entry.pending.push(pending);
  return pending;
}

void Engine::Impl::settle(Entry& entry, const std::shared_ptr<Stream>& stream,
                          PendingChange* pending) {
  const VisibleState visible = {.tail = stream->reserved.tail,
                                .closed = stream->reserved.closed,
                                .soft_deleted = stream->reserved.soft_deleted,
                                .removed = entry.reserved != stream};
  if (pending == nullptr) {
    show(entry, stream, visible, entry.reserved);
    uncount_stream_if_gone(entry);
  } else {
    pending->visible_after = visible;
    pending->shown_after = entry.reserved;
  }
}

void Engine::Impl::show(Entry& entry, const std::shared_ptr<Stream>& stream,
                        const VisibleState& visible, const std::shared_ptr<Stream>& shown) {
  const bool worth_waking = !(stream->visible == visible);
  stream->visible = visible;
  if (entry.shown != shown) entry.shown = shown;  // seldom: counting shares costs more than looking
  if (!worth_waking) return;
  for (WaitGroup& group : stream->wait_groups) {
    if (!std::exchange(group.woken, true)) group.mailbox->wake(stream);
  }
}

void Engine::Impl::on_commits(std::span<CommitOutcome> outcomes) {
  constexpr std::size_t kTogether = 64;  // that the table is locked for once
  std::array<Transaction*, kTogether> transactions;
  while (!outcomes.empty()) {
    const std::span<CommitOutcome> some = outcomes.first(std::min(outcomes.size(), kTogether));
    const std::span<Transaction*> known = std::span(transactions).first(some.size());
    transactions_.take(some, known);
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (known[i] != nullptr) finish(*known[i], some[i].status);
    }
    transactions_.end(known);
    outcomes = outcomes.subspan(some.size());
  }
}

bool Engine::Impl::save_deadline(Entry& entry, const std::shared_ptr<Stream>& stream,
                                 WallTime deadline) {
  Result<Transaction*> submitted =
      submit(DeadlineChange{.id = stream->id, .deadline = deadline}, entry);
  if (!submitted) return false;
  flush_wanted_.store(true, std::memory_order_relaxed);
  stream->saved_deadline = deadline;
  if (*submitted == nullptr) return true;
  (*submitted)->slid = stream;
  ++entry.transactions;
  return false;
}

void Engine::Impl::finish_saving(Transaction& transaction, const Status& status) {
  constexpr WallTime kNotKnown{};
  Entry& entry = *transaction.entry;
  if (!status.ok()) transaction.slid->saved_deadline = kNotKnown;
  --entry.transactions;
  drop_if_empty(entry);
  note_earliest_deadline();  // only now does the store know of it
}

void Engine::Impl::finish(Transaction& transaction, const Status& status) {
  std::vector<Continuation> failed;
  const bool committed = finish_locked(transaction, status, failed);
  const Status dependency = committed ? Status() : Status(dependency_failed());
  for (Continuation& next : failed) next(dependency);
  // It alone is told the store's own reason.
  if (transaction.requester) transaction.requester(status);
  for (Continuation& next : transaction.take_dependents()) next(dependency);
  if (committed) return release(std::move(transaction.release));
  if (transaction.repays) owe(*std::move(transaction.repays));
}

bool Engine::Impl::finish_locked(Transaction& transaction, const Status& status,
                                 std::vector<Continuation>& failed) {
  Entry& entry = *transaction.entry;
  Entry* const source = transaction.source;
  const ShardLock lock(entry.shard, source != nullptr ? source->shard : entry.shard);
  if (transaction.slid != nullptr) {
    finish_saving(transaction, status);
    return status.ok();
  }
  const bool committed = status.ok() && !transaction.entry_rolled_back;
  DURABLE_STREAMS_ASSERT(!status.ok() || (committed && !transaction.source_rolled_back));
  for (Entry* changed : {&entry, source}) {
    if (changed == nullptr) continue;
    const bool rolled_back =
        changed == &entry ? transaction.entry_rolled_back : transaction.source_rolled_back;
    if (committed) {
      commit_oldest(*changed, transaction);
    } else if (!rolled_back) {
      roll_back(*changed, failed);
    }
    uncount_stream_if_gone(*changed);
    --changed->transactions;
    drop_if_empty(*changed);
  }
  return committed;
}

void Engine::Impl::commit_oldest(Entry& entry, const Transaction& transaction) {
  PendingChange& oldest = *entry.pending.oldest();
  DURABLE_STREAMS_ASSERT(oldest.transaction == &transaction);
  show(entry, oldest.stream, oldest.visible_after, oldest.shown_after);
  for (const auto& [id, state] : oldest.producers_before) {
    --oldest.stream->producers.find(id)->second.in_flight;
  }
  if (oldest.touches) let_go(oldest.stream, Outcome::kAccepted);
  // Only now does the store know of it: whoever has looked for deadlines since the creation has not
  // seen this one.
  if (oldest.reserved_before == nullptr) note_deadline(oldest.stream->saved_deadline);
  entry.pending.pop_oldest();
}

void Engine::Impl::roll_back(Entry& entry, std::vector<Continuation>& failed) {
  PendingChange* const oldest = entry.pending.oldest();
  // The first that stays: without the stream of a refused creation the path is free, as the next
  // creation of it wants.
  PendingChange* stays = nullptr;
  if (oldest->reserved_before == nullptr) {
    stays = oldest;
    while (stays != nullptr && stays->stream == oldest->stream) stays = stays->newer;
  }
  if (stays == nullptr) entry.reserved = oldest->reserved_before;
  PendingChange* change = stays != nullptr ? stays->older : entry.pending.newest();
  for (; change != nullptr; change = change->older) {
    take_back(*change);
    Transaction& transaction = *change->transaction;
    const bool is_source = transaction.entry != &entry;
    (is_source ? transaction.source_rolled_back : transaction.entry_rolled_back) = true;
    // Those of the oldest are told why by finish(), and those of a fork when the store refuses it
    // in its turn.
    if (is_source || change == oldest) continue;
    if (transaction.requester) failed.push_back(std::move(transaction.requester));
    for (Continuation& next : transaction.take_dependents()) failed.push_back(std::move(next));
  }
  while (entry.pending.oldest() != stays) entry.pending.pop_oldest();
}

void Engine::Impl::take_back(PendingChange& change) {
  Stream& stream = *change.stream;
  stream.reserved = std::move(change.state_before);
  if (change.touches) let_go(change.stream, Outcome::kRefused);
  for (const auto& [id, state] : change.producers_before) {
    HeldProducer& held = stream.producers.find(id)->second;
    held.state = state;
    --held.in_flight;
  }
}

}  // namespace durable_streams
