// Changes wait in a queue with copies of their bytes; loads wait as closures that ask the store
// underneath later.
#include "tests/support/deferred_store.h"

#include <algorithm>
#include <utility>

namespace durable_streams {

namespace {

Error injected(ErrorCode code) {
  return {.code = code, .message = "refused for the test", .detail = {}};
}

// Takes one error off the queue, if there is one.
Status take_error(std::deque<ErrorCode>& queue) {
  if (queue.empty()) return {};
  const ErrorCode code = queue.front();
  queue.pop_front();
  return injected(code);
}

}  // namespace

struct DeferredStore::WaitingChange {
  // What the views and references of the change show.
  struct Kept {
    StreamRecord record;
    std::string bytes;
    std::string producer_id;
    std::string forgotten_producer;
    std::string stream_seq;
  };

  static Change keep(const CreateChange& change, Kept& kept) {
    kept.record = change.record;
    kept.bytes = change.bytes;
    return CreateChange{
        .record = kept.record, .bytes = kept.bytes, .source_version = change.source_version};
  }
  static Change keep(const AppendChange& change, Kept& kept) {
    kept.bytes = change.bytes;
    kept.producer_id = change.producer_id;
    kept.forgotten_producer = change.forgotten_producer;
    kept.stream_seq = change.stream_seq;
    AppendChange copy = change;
    copy.bytes = kept.bytes;
    copy.producer_id = kept.producer_id;
    copy.forgotten_producer = kept.forgotten_producer;
    copy.stream_seq = kept.stream_seq;
    return copy;
  }
  template <class Other>
  static Change keep(const Other& change, Kept&) {
    return change;
  }

  WaitingChange(const Change& given, Ticket given_ticket, std::set<std::string> given_names)
      : change(std::visit([this](const auto& each) { return keep(each, kept); }, given)),
        ticket(given_ticket),
        names(std::move(given_names)) {}

  WaitingChange(const WaitingChange&) = delete;
  WaitingChange& operator=(const WaitingChange&) = delete;

  Kept kept;
  Change change;
  Ticket ticket;
  std::set<std::string> names;
  Status refusal;
};

DeferredStore::DeferredStore(Store& under, std::uint64_t seed) : under_(under), random_(seed) {}
DeferredStore::DeferredStore(std::unique_ptr<Store> under, std::uint64_t seed)
    : owned_(std::move(under)), under_(*owned_), random_(seed) {}
DeferredStore::~DeferredStore() = default;

void DeferredStore::set_waits(Waits waits) {
  const MutexLock lock(mutex_);
  waits_ = waits;
}

std::size_t DeferredStore::commit(std::size_t count) {
  return commit_batch(count, Order::kSubmitted);
}

std::size_t DeferredStore::commit_all(std::size_t batch) {
  std::size_t committed = 0;
  while (const std::size_t count = commit_batch(batch, Order::kSubmitted)) committed += count;
  return committed;
}

std::size_t DeferredStore::waiting_changes() const {
  const MutexLock lock(mutex_);
  return changes_.size();
}

void DeferredStore::refuse_commits(ErrorCode code, std::size_t count) {
  const MutexLock lock(mutex_);
  refused_commits_.insert(refused_commits_.end(), count, code);
}

void DeferredStore::refuse_submits(ErrorCode code, std::size_t count) {
  const MutexLock lock(mutex_);
  refused_submits_.insert(refused_submits_.end(), count, code);
}

void DeferredStore::refuse_randomly(ErrorCode code, std::uint64_t one_in) {
  const MutexLock lock(mutex_);
  random_refusal_ = code;
  random_refusal_one_in_ = one_in;
}

std::size_t DeferredStore::complete_loads(std::size_t count) {
  std::size_t completed = 0;
  for (; completed < count; ++completed) {
    Load load;
    Status failure;
    {
      const MutexLock lock(mutex_);
      if (loads_.empty()) break;
      load = std::move(loads_.front());
      loads_.pop_front();
      failure = take_error(failed_loads_);
    }
    load(failure);
  }
  return completed;
}

std::size_t DeferredStore::waiting_loads() const {
  const MutexLock lock(mutex_);
  return loads_.size();
}

void DeferredStore::fail_loads(ErrorCode code, std::size_t count) {
  const MutexLock lock(mutex_);
  failed_loads_.insert(failed_loads_.end(), count, code);
}

bool DeferredStore::step() {
  std::size_t batch = 0;
  bool load = false;
  {
    const MutexLock lock(mutex_);
    if (changes_.empty() && loads_.empty()) return false;
    load = changes_.empty() || (!loads_.empty() && random_.one_in(2));
    if (!load) batch = 1 + random_.below(changes_.size());
  }
  if (load) {
    complete_loads(1);
  } else {
    commit_batch(batch, Order::kRandom);
  }
  return true;
}

void DeferredStore::settle() {
  while (step()) {
  }
}

std::size_t DeferredStore::flushes() const {
  const MutexLock lock(mutex_);
  return flushes_;
}

void DeferredStore::set_listener(CommitListener* listener) {
  const MutexLock lock(commit_mutex_);
  listener_ = listener;
}

Result<Submitted> DeferredStore::submit(const Change& change, Ticket ticket) {
  const MutexLock lock(mutex_);
  if (Status refused = take_error(refused_submits_); !refused) return refused.error();
  // What was submitted before, and those who wait for it, come first.
  const bool idle = changes_.empty() && !committing_;
  std::set<std::string> names = names_of(change);
  if (idle && !waits(&Waits::changes)) {
    if (Status refused = next_refusal(); !refused) return refused.error();
    return under_.submit(change, ticket);
  }
  changes_.push_back(std::make_unique<WaitingChange>(change, ticket, std::move(names)));
  return Submitted::kPending;
}

void DeferredStore::flush() {
  const MutexLock lock(mutex_);
  ++flushes_;
}

std::size_t DeferredStore::commit_batch(std::size_t count, Order order) {
  const MutexLock lock(commit_mutex_);
  std::vector<std::unique_ptr<WaitingChange>> batch = take_changes(count, order);
  std::vector<CommitOutcome> outcomes;
  for (const std::unique_ptr<WaitingChange>& each : batch) {
    Status status = std::move(each->refusal);
    if (status.ok()) {
      const Result<Submitted> submitted = under_.submit(each->change, each->ticket);
      if (!submitted) status = submitted.error();
    }
    outcomes.push_back({.ticket = each->ticket, .status = std::move(status)});
  }
  if (!outcomes.empty() && listener_ != nullptr) listener_->on_commits(outcomes);
  const MutexLock done(mutex_);
  committing_ = false;
  return batch.size();
}

std::vector<std::unique_ptr<DeferredStore::WaitingChange>> DeferredStore::take_changes(
    std::size_t count, Order order) {
  const MutexLock lock(mutex_);
  std::vector<std::unique_ptr<WaitingChange>> taken;
  while (taken.size() < count && !changes_.empty()) {
    std::size_t index = order == Order::kRandom ? random_.below(changes_.size()) : 0;
    if (!may_overtake(index)) index = 0;
    std::unique_ptr<WaitingChange>& chosen = changes_[index];
    chosen->refusal = next_refusal();
    taken.push_back(std::move(chosen));
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  committing_ = !taken.empty();
  return taken;
}

bool DeferredStore::may_overtake(std::size_t index) const {
  const std::set<std::string>& names = changes_[index]->names;
  for (std::size_t ahead = 0; ahead < index; ++ahead) {
    const std::set<std::string>& others = changes_[ahead]->names;
    const bool apart = std::none_of(names.begin(), names.end(),
                                    [&](const std::string& name) { return others.contains(name); });
    if (names.empty() || others.empty() || !apart) return false;
  }
  return true;
}

std::set<std::string> DeferredStore::names_of(const Change& change) {
  StreamId id = 0;
  std::set<std::string> names;
  if (const auto* create = std::get_if<CreateChange>(&change)) {
    id = create->record.id;
    paths_[id] = create->record.path;
    if (create->record.fork) names.insert("id:" + std::to_string(create->record.fork->source));
  } else if (const auto* append = std::get_if<AppendChange>(&change)) {
    id = append->id;
  } else if (const auto* remove = std::get_if<RemoveChange>(&change)) {
    id = remove->id;
  } else if (const auto* release = std::get_if<ReleaseChange>(&change)) {
    id = release->source;
  } else {
    id = std::get<DeadlineChange>(change).id;
  }
  const auto path = paths_.find(id);
  if (path == paths_.end()) return {};
  names.insert("id:" + std::to_string(id));
  names.insert("path:" + path->second);
  return names;
}

Status DeferredStore::next_refusal() {
  if (Status refused = take_error(refused_commits_); !refused) return refused;
  if (random_refusal_one_in_ > 0 && random_.one_in(random_refusal_one_in_)) {
    return injected(*random_refusal_);
  }
  return {};
}

bool DeferredStore::waits(bool Waits::*kind) {
  return waits_.*kind && (!waits_.random || random_.one_in(2));
}

std::optional<Status> DeferredStore::admit(bool Waits::*kind) {
  const MutexLock lock(mutex_);
  if (waits(kind)) return std::nullopt;
  return take_error(failed_loads_);
}

void DeferredStore::wait_for_load(Load load) {
  const MutexLock lock(mutex_);
  loads_.push_back(std::move(load));
}

std::optional<Result<bool>> DeferredStore::load_now(std::string_view path, StreamRecord& out) {
  const std::optional<Status> admitted = admit(&Waits::loads);
  if (!admitted) return std::nullopt;
  if (!admitted->ok()) return admitted->error();
  return under_.load_now(path, out);
}

void DeferredStore::load(std::string_view path, Done<std::optional<StreamRecord>> done) {
  wait_for_load(
      [this, path = std::string(path), done = std::move(done)](const Status& failure) mutable {
        if (!failure) return done(failure.error());
        StreamRecord record;
        const Result<bool> found = under_.load_now(path, record).value();
        if (!found) return done(found.error());
        done(*found ? std::optional(std::move(record)) : std::nullopt);
      });
}

std::optional<Result<bool>> DeferredStore::load_producer_now(StreamId id,
                                                             std::string_view producer_id,
                                                             ProducerState& out) {
  const std::optional<Status> admitted = admit(&Waits::loads);
  if (!admitted) return std::nullopt;
  if (!admitted->ok()) return admitted->error();
  return under_.load_producer_now(id, producer_id, out);
}

void DeferredStore::load_producer(StreamId id, std::string_view producer_id,
                                  Done<std::optional<ProducerState>> done) {
  wait_for_load([this, id, producer_id = std::string(producer_id),
                 done = std::move(done)](const Status& failure) mutable {
    if (!failure) return done(failure.error());
    ProducerState state;
    const Result<bool> found = under_.load_producer_now(id, producer_id, state).value();
    if (!found) return done(found.error());
    done(*found ? std::optional(state) : std::nullopt);
  });
}

std::optional<Result<std::vector<UsedProducer>>> DeferredStore::oldest_producers_now(
    StreamId id, std::size_t count_max) {
  const std::optional<Status> admitted = admit(&Waits::loads);
  if (!admitted) return std::nullopt;
  if (!admitted->ok()) return admitted->error();
  return under_.oldest_producers_now(id, count_max);
}

void DeferredStore::oldest_producers(StreamId id, std::size_t count_max,
                                     Done<std::vector<UsedProducer>> done) {
  wait_for_load([this, id, count_max, done = std::move(done)](const Status& failure) mutable {
    if (!failure) return done(failure.error());
    done(under_.oldest_producers_now(id, count_max).value());
  });
}

std::optional<Status> DeferredStore::read_now(const ReadRange& range, StoredBytes& out) {
  const std::optional<Status> admitted = admit(&Waits::reads);
  if (!admitted || !admitted->ok()) return admitted;
  return under_.read_now(range, out);
}

void DeferredStore::read(const ReadRange& range, Done<StoredBytes> done) {
  wait_for_load([this, range, done = std::move(done)](const Status& failure) mutable {
    if (!failure) return done(failure.error());
    StoredBytes bytes;
    const Status status = under_.read_now(range, bytes).value();
    if (!status) return done(status.error());
    done(std::move(bytes));
  });
}

std::optional<Result<std::uint64_t>> DeferredStore::append_end_now(StreamId id,
                                                                   std::uint64_t position) {
  const std::optional<Status> admitted = admit(&Waits::reads);
  if (!admitted) return std::nullopt;
  if (!admitted->ok()) return admitted->error();
  return under_.append_end_now(id, position);
}

void DeferredStore::append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) {
  wait_for_load([this, id, position, done = std::move(done)](const Status& failure) mutable {
    if (!failure) return done(failure.error());
    done(under_.append_end_now(id, position).value());
  });
}

std::optional<Result<std::vector<ExpiredStream>>> DeferredStore::expired_now(
    WallTime now, std::size_t count_max) {
  const std::optional<Status> admitted = admit(&Waits::expired);
  if (!admitted) return std::nullopt;
  if (!admitted->ok()) return admitted->error();
  return under_.expired_now(now, count_max);
}

void DeferredStore::expired(WallTime now, std::size_t count_max,
                            Done<std::vector<ExpiredStream>> done) {
  wait_for_load([this, now, count_max, done = std::move(done)](const Status& failure) mutable {
    if (!failure) return done(failure.error());
    done(under_.expired_now(now, count_max).value());
  });
}

std::optional<Result<StreamList>> DeferredStore::list_now(const ListRange& range) {
  const std::optional<Status> admitted = admit(&Waits::loads);
  if (!admitted) return std::nullopt;
  if (!admitted->ok()) return admitted->error();
  return under_.list_now(range);
}

void DeferredStore::list(const ListRange& range, Done<StreamList> done) {
  wait_for_load([this, count_max = range.count_max, part = range.part,
                 prefix = std::string(range.prefix), after = std::string(range.after),
                 done = std::move(done)](const Status& failure) mutable {
    if (!failure) return done(failure.error());
    done(
        *under_.list_now({.prefix = prefix, .after = after, .count_max = count_max, .part = part}));
  });
}

}  // namespace durable_streams
