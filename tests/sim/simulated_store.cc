// Answers by the very calls that the file store's threads make.
#include "tests/sim/simulated_store.h"

#include <utility>

namespace durable_streams {

SimulatedStore::SimulatedStore(FileState& state, ChangeHistory& history, Random& random, bool waits)
    : state_(state), history_(history), random_(random), waits_(waits) {
  state_.set_listener(this);
}

SimulatedStore::~SimulatedStore() { state_.set_listener(nullptr); }

void SimulatedStore::answer_load() {
  if (loads_.empty()) return;
  const auto chosen = loads_.begin() + static_cast<std::ptrdiff_t>(random_.below(loads_.size()));
  Function<void()> load = std::move(*chosen);
  loads_.erase(chosen);
  load();
}

void SimulatedStore::on_commits(std::span<CommitOutcome> outcomes) {
  const bool for_good = state_.file_stats().read_only;
  std::vector<CommitOutcome> theirs;
  for (CommitOutcome& outcome : outcomes) {
    history_.told(outcome.ticket, outcome.status, for_good);
    const auto ticket = tickets_.find(outcome.ticket);
    theirs.push_back({.ticket = ticket->second, .status = outcome.status});
    tickets_.erase(ticket);
  }
  telling_ = true;
  if (listener_ != nullptr) listener_->on_commits(theirs);
  telling_ = false;
}

// Its ticket must be known before the store takes it, but none is spent on what it refuses.
Result<Submitted> SimulatedStore::submit(const Change& change, Ticket ticket) {
  const Ticket ours = history_.next_ticket();
  Result<Submitted> submitted = state_.submit(change, ours);
  if (!submitted) {
    history_.not_taken(change);
    return submitted;
  }
  history_.submitted(change);
  forgotten_ = forgotten_ || !telling_;
  tickets_.emplace(ours, ticket);
  return submitted;
}

FileState::Wait SimulatedStore::wait() {
  return waits_ && random_.one_in(2) ? FileState::Wait::kNo : FileState::Wait::kYes;
}

std::optional<Result<bool>> SimulatedStore::load_now(std::string_view path, StreamRecord& out) {
  return state_.load(wait(), path, out);
}

void SimulatedStore::load(std::string_view path, Done<std::optional<StreamRecord>> done) {
  loads_.emplace_back([this, path = std::string(path), done = std::move(done)]() mutable {
    StreamRecord record;
    const Result<bool> found = *state_.load(FileState::Wait::kYes, path, record);
    if (!found) return done(found.error());
    done(*found ? std::optional(std::move(record)) : std::nullopt);
  });
}

std::optional<Result<bool>> SimulatedStore::load_producer_now(StreamId id,
                                                              std::string_view producer_id,
                                                              ProducerState& out) {
  return state_.load_producer(wait(), id, producer_id, out);
}

void SimulatedStore::load_producer(StreamId id, std::string_view producer_id,
                                   Done<std::optional<ProducerState>> done) {
  loads_.emplace_back([this, id, producer_id = std::string(producer_id),
                       done = std::move(done)]() mutable {
    ProducerState state;
    const Result<bool> found = *state_.load_producer(FileState::Wait::kYes, id, producer_id, state);
    if (!found) return done(found.error());
    done(*found ? std::optional(state) : std::nullopt);
  });
}

std::optional<Result<std::vector<UsedProducer>>> SimulatedStore::oldest_producers_now(
    StreamId id, std::size_t count_max) {
  return state_.oldest_producers(wait(), id, count_max);
}

void SimulatedStore::oldest_producers(StreamId id, std::size_t count_max,
                                      Done<std::vector<UsedProducer>> done) {
  loads_.emplace_back([this, id, count_max, done = std::move(done)]() mutable {
    done(*state_.oldest_producers(FileState::Wait::kYes, id, count_max));
  });
}

std::optional<Status> SimulatedStore::read_now(const ReadRange& range, StoredBytes& out) {
  return state_.read(wait(), range, out);
}

void SimulatedStore::read(const ReadRange& range, Done<StoredBytes> done) {
  loads_.emplace_back([this, range, done = std::move(done)]() mutable {
    StoredBytes bytes;
    const Status read = *state_.read(FileState::Wait::kYes, range, bytes);
    if (!read) return done(read.error());
    done(std::move(bytes));
  });
}

std::optional<Result<std::uint64_t>> SimulatedStore::append_end_now(StreamId id,
                                                                    std::uint64_t position) {
  return state_.append_end(wait(), id, position);
}

void SimulatedStore::append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) {
  loads_.emplace_back([this, id, position, done = std::move(done)]() mutable {
    done(*state_.append_end(FileState::Wait::kYes, id, position));
  });
}

std::optional<Result<std::vector<ExpiredStream>>> SimulatedStore::expired_now(
    WallTime now, std::size_t count_max) {
  return state_.expired(wait(), now, count_max);
}

void SimulatedStore::expired(WallTime now, std::size_t count_max,
                             Done<std::vector<ExpiredStream>> done) {
  loads_.emplace_back([this, now, count_max, done = std::move(done)]() mutable {
    done(*state_.expired(FileState::Wait::kYes, now, count_max));
  });
}

std::optional<Result<StreamList>> SimulatedStore::list_now(const ListRange& range) {
  if (wait() == FileState::Wait::kNo) return std::nullopt;
  return state_.list(range);
}

void SimulatedStore::list(const ListRange& range, Done<StreamList> done) {
  loads_.emplace_back([this, count_max = range.count_max, part = range.part,
                       prefix = std::string(range.prefix), after = std::string(range.after),
                       done = std::move(done)]() mutable {
    done(state_.list({.prefix = prefix, .after = after, .count_max = count_max, .part = part}));
  });
}

}  // namespace durable_streams
