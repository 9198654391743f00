// Joining and leaving the readers that wait at a stream's tail.
#include "engine/live_reader.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/engine_impl.h"
#include "engine/streams_impl.h"

namespace durable_streams {

namespace {

LiveReader::State state_of(const Stream& stream, WallTime now) {
  const bool over = stream.visible.removed || stream.visible.soft_deleted || stream.expired(now);
  return {.tail = stream.visible.tail, .closed = stream.visible.closed, .removed = over};
}

// The group that a new reader of this loop joins.
WaitGroup& group_to_join(Stream& stream, Mailbox& mailbox) {
  for (WaitGroup& group : stream.wait_groups) {
    if (group.mailbox == &mailbox && !group.woken) return group;
  }
  return stream.wait_groups.emplace_back(WaitGroup{.mailbox = &mailbox});
}

}  // namespace

void LiveReader::attach(std::shared_ptr<Stream> stream, bool waits) {
  DURABLE_STREAMS_ASSERT(stream_ == nullptr && handle_ != nullptr);
  stream_ = std::move(stream);
  ++stream_->holds;
  counted_ = waits;
  if (counted_) ++stream_->waiters;
  handle_->count_live_reader(+1);
}

LiveReader::State LiveReader::state() const {
  const ShardLock lock(stream_->shard);
  return state_of(*stream_, handle_->engine().now());
}

StreamId LiveReader::stream_id() const { return stream_->id; }

std::optional<Status> LiveReader::read(std::size_t bytes_max, ReadAnswer& out,
                                       Completion<ReadAnswer> done) {
  {
    const ShardLock lock(stream_->shard);
    if (stream_->visible.soft_deleted) return stream_gone();
    if (state_of(*stream_, handle_->engine().now()).removed) {
      return stream_->reserved.forks > 0 ? stream_gone() : no_such_stream();
    }
    out.stream = handle_->engine().visible_view(*stream_);
  }
  return handle_->read_live(position_, bytes_max, out, std::move(done));
}

bool LiveReader::wait() {
  DURABLE_STREAMS_ASSERT(!waiting_);
  const ShardLock lock(stream_->shard);
  const State state = state_of(*stream_, handle_->engine().now());
  if (state.removed || state.closed || position_ < state.tail) return false;
  WaitGroup& group = group_to_join(*stream_, handle_->mailbox());
  previous_ = nullptr;
  next_ = group.first;
  if (next_ != nullptr) next_->previous_ = this;
  group.first = this;
  waiting_ = in_group_ = true;
  ++stream_->shard.waiting_readers[static_cast<std::size_t>(kind_)];
  return true;
}

void LiveReader::stop_waiting() {
  if (!waiting_) return;
  waiting_ = false;
  const ShardLock lock(stream_->shard);
  unlink();
}

void LiveReader::unlink() {
  if (next_ != nullptr) next_->previous_ = previous_;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else if (in_group_) {
    const auto group = std::find_if(stream_->wait_groups.begin(), stream_->wait_groups.end(),
                                    [this](const WaitGroup& each) { return each.first == this; });
    group->first = next_;
    if (next_ == nullptr) stream_->wait_groups.erase(group);
  } else {
    handle_->set_first_woken(next_);
  }
  if (in_group_) --stream_->shard.waiting_readers[static_cast<std::size_t>(kind_)];
  in_group_ = false;
  previous_ = next_ = nullptr;
}

void LiveReader::detach() {
  if (stream_ == nullptr) return;
  stop_waiting();
  leave(Outcome::kAccepted);
}

void LiveReader::give_up() {
  if (stream_ != nullptr) leave(Outcome::kRefused);
}

void LiveReader::leave(Outcome outcome) {
  {
    const ShardLock lock(stream_->shard);
    if (counted_) --stream_->waiters;
    if (handle_->engine().let_go(stream_, outcome)) handle_->flush_later();
  }
  stream_ = nullptr;
  handle_->count_live_reader(-1);
}

}  // namespace durable_streams
