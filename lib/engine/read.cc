// Reading pages and metadata (protocol sections 5.5 and 5.6). The lock is held to look at the
// stream, not to fetch its bytes: what is visible never changes, and its memory is shared.
#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/engine_impl.h"
#include "engine/live_reader.h"
#include "engine/page_read.h"
#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

// Whether a live reader will stay: not where it finds the stream's end, nor a long-poll that finds
// bytes.
bool would_wait(const Stream& stream, const ReadRequest& request, LiveKind kind) {
  if (stream.visible.closed) return false;
  return kind != LiveKind::kLongPoll || request.from_now ||
         request.from.position >= stream.visible.tail.position;
}

}  // namespace

// A read of a stream with a TTL that has to wait: the stream is held until its answer is known.
// Threads: one at a time.
class Engine::Impl::HeldRead final : public Deferral<ReadAnswer> {
 public:
  HeldRead(Impl& engine, const std::shared_ptr<Stream>& held, Deferral<ReadAnswer>& deferral)
      : engine_(engine), held_(held), deferral_(deferral) {}

  Function<void(Result<ReadAnswer>)> answer_later() override {
    return [&engine = engine_, held = held_,
            later = deferral_.answer_later()](Result<ReadAnswer> answer) mutable {
      // On whichever thread the store answers, after which no turn of a loop need follow.
      if (engine.let_go_of_read(held, answer.ok())) engine.store_.flush();
      later(std::move(answer));
    };
  }

  Continuation start_again() override { return deferral_.start_again(); }

 private:
  Impl& engine_;
  const std::shared_ptr<Stream>& held_;
  Deferral<ReadAnswer>& deferral_;
};

AtOnce<StreamView> Engine::Impl::info(std::string_view path, Deferral<StreamView>& deferral) {
  const PathKey key = key_of(path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Located located = locate(shard, key);
  if (located.loading()) return after_loading(*located.entry, deferral);
  Result<Stream*> stream = find_shown(located);
  if (!stream) return std::move(stream).error();
  return visible_view(**stream);
}

Result<Stream*> Engine::Impl::find_shown(const Located& located) {
  if (located.failure) return *located.failure;
  Stream* stream = located.entry != nullptr ? located.entry->shown.get() : nullptr;
  if (stream == nullptr) return no_such_stream();
  if (stream->visible.soft_deleted) return stream_gone();
  if ((stream->expiry.ttl || stream->expiry.at) && stream->expired(now())) {
    return stream->reserved.forks > 0 ? stream_gone() : no_such_stream();
  }
  return stream;
}

std::optional<Status> Engine::Impl::read(const ReadRequest& request, LiveReader* live,
                                         ReadAnswer& out, Deferral<ReadAnswer>& deferral) {
  Offset from = request.from;
  std::shared_ptr<Stream> held;
  {
    const PathKey key = key_of(request.path);
    Shard& shard = shard_of(key);
    const ShardLock lock(shard);
    const Located located = locate(shard, key);
    if (located.loading()) {
      located.entry->when_loaded.push_back(deferral.start_again());
      return std::nullopt;
    }
    Result<Stream*> found = find_shown(located);
    if (!found) return std::move(found).error();
    if (live != nullptr) {
      const bool waits = would_wait(**found, request, live->kind());
      if (waits && (*found)->waiters >= options_.waiters_per_stream_max) {
        return too_many_waiters(options_.waiters_per_stream_max);
      }
      live->attach(located.entry->shown, waits);
    } else if ((*found)->expiry.ttl) {
      held = located.entry->shown;
      ++held->holds;
    }
    out.stream = visible_view(**found);
    if (request.from_now) from = out.stream.tail;
  }
  if (held == nullptr) return read_page(from, request.bytes_max, out, deferral);
  HeldRead deferred(*this, held, deferral);
  std::optional<Status> answer = read_page(from, request.bytes_max, out, deferred);
  if (answer) let_go_of_read(held, answer->ok());  // the caller asks for the commit
  return answer;
}

bool Engine::Impl::let_go_of_read(const std::shared_ptr<Stream>& stream, bool accepted) {
  const ShardLock lock(stream->shard);
  return let_go(stream, accepted ? Outcome::kAccepted : Outcome::kRefused);
}

Result<Offset> Engine::Impl::start_of(const StreamView& stream, Offset from) const {
  static const SequenceStarts kNone;
  const std::uint64_t newest = std::max(read_sequence_, stream.tail.read_sequence);
  if (from.read_sequence < newest) {
    const SequenceStarts& starts = stream.sequences != nullptr ? *stream.sequences : kNone;
    const std::optional<std::uint64_t> end =
        protocol::sequence_end(starts, from.read_sequence, stream.tail.position);
    if (!end || from.position > *end) return offset_lost();
  }
  const bool before_tail = from.read_sequence <= newest && from.position < stream.tail.position;
  return before_tail ? from : stream.tail;
}

std::optional<Status> Engine::Impl::read_page(Offset from, std::size_t bytes_max, ReadAnswer& out,
                                              Deferral<ReadAnswer>& deferral) {
  const Result<Offset> start = start_of(out.stream, from);
  if (!start) return start.error();
  PageRead page(out.stream, *start, bytes_max != 0 ? bytes_max : options_.page_bytes_max, out.page);
  while (const std::optional<ReadRange> range = page.next_range()) {
    StoredBytes bytes;
    bytes.slices.swap(out.page.slices);
    std::optional<Status> read = store_.read_now(*range, bytes);
    if (!read) {
      read_page_later(page, *range, out.stream, deferral.answer_later());
      return std::nullopt;
    }
    if (!read->ok()) return read;
    if (Status taken = page.take(std::move(bytes), out.page); !taken) return taken;
  }
  return Status();
}

// A range that ends where it may end at most is cut nowhere else.
std::optional<Status> Engine::Impl::read_again(StreamId stream, std::uint64_t from,
                                               std::uint64_t to, ReadAnswer& out,
                                               Deferral<ReadAnswer>& deferral) {
  const ReadRange range{
      .id = stream, .from = from, .to = to, .bytes_max = static_cast<std::size_t>(to - from)};
  StoredBytes bytes;
  bytes.slices.swap(out.page.slices);
  std::optional<Status> read = store_.read_now(range, bytes);
  if (!read) {
    store_.read(range, [done = deferral.answer_later()](Result<StoredBytes> later) mutable {
      if (!later) return done(std::move(later).error());
      ReadAnswer answer;
      answer.page.slices = std::move(later->slices);
      done(std::move(answer));
    });
    return std::nullopt;
  }
  out.page.slices = std::move(bytes.slices);
  return read;
}

void Engine::Impl::read_page_later(PageRead page, const ReadRange& range, StreamView stream,
                                   Function<void(Result<ReadAnswer>)> done) {
  store_.read(range, [life = life_, page, stream = std::move(stream),
                      done = std::move(done)](Result<StoredBytes> read) mutable {
    const std::shared_lock<std::shared_mutex> alive(life->mutex);
    if (life->engine == nullptr) return;
    if (!read) return done(std::move(read).error());
    ReadAnswer answer{.stream = std::move(stream), .page = {}};
    if (Status taken = page.take(std::move(*read), answer.page); !taken) {
      return done(std::move(taken).error());
    }
    const std::optional<ReadRange> more = page.next_range();
    if (!more) return done(std::move(answer));
    life->engine->read_page_later(page, *more, std::move(answer.stream), std::move(done));
  });
}

}  // namespace durable_streams
