// Listing streams: the store knows which there are, and the engine which of them readers still see,
// for it is the one that slides deadlines.
#include <memory>
#include <utility>

#include "engine/engine_impl.h"
#include "engine/listing.h"
#include "engine/streams_impl.h"

namespace durable_streams {

namespace {

ListedStream listed_of(std::string path, const StreamView& view, const ReservedState& state) {
  return {.path = std::move(path),
          .info = {.id = view.id,
                   .content_type = view.media_type->text,
                   .framing = view.media_type->framing,
                   .tail = view.tail,
                   .closed = view.closed,
                   .expiry = view.expiry,
                   .deadline = view.deadline},
          .forks = state.forks,
          .producers = state.producers};
}

ListedStream listed_of(StreamRecord&& record) {
  return {.path = std::move(record.path),
          .info = {.id = record.id,
                   .content_type = std::move(record.content_type),
                   .framing = record.framing,
                   .tail = record.tail,
                   .closed = record.closed,
                   .expiry = record.expiry,
                   .deadline = record.deadline},
          .forks = record.forks,
          .producers = record.producers};
}

}  // namespace

Listing Engine::Impl::listing_of(ListingPage& page) {
  Listing listing;
  listing.next = page.found().finish();
  for (auto& [path, record] : page.found().entries()) {
    if (std::optional<ListedStream> shown = shown_in_listing(std::move(record))) {
      listing.streams.push_back(*std::move(shown));
    }
  }
  return listing;
}

std::optional<ListedStream> Engine::Impl::shown_in_listing(StreamRecord&& record) {
  const PathKey key = key_of(record.path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Entry* const entry = shard.peek(key);
  if (entry == nullptr || entry->loading) {
    if (record.soft_deleted || record.deadline <= now()) return std::nullopt;
    return listed_of(std::move(record));
  }
  const Stream* const stream = entry->shown.get();
  if (stream == nullptr || stream->visible.soft_deleted || stream->expired(now())) {
    return std::nullopt;
  }
  return listed_of(std::move(record.path), visible_view(*stream), stream->reserved);
}

void Streams::Impl::list(std::shared_ptr<ListingPage> page, Completion<Listing> done) {
  const ListRange range = page->range();
  const std::uint64_t operation =
      keep([this, page, done = std::move(done)](const Status& status) mutable {
        if (!status.ok()) return done(status.error());
        Result<StreamList> part = *std::exchange(page->answer, std::nullopt);
        if (!part) return done(std::move(part).error());
        page->take(std::move(*part));
        if (!page->complete()) return list(std::move(page), std::move(done));
        done(engine_.listing_of(*page));
      });
  auto answer = [page, operation, mailbox = mailbox_](Result<StreamList> part) {
    page->answer.emplace(std::move(part));
    mailbox->answer(operation, {});
  };
  Store& store = engine_.store();
  if (std::optional<Result<StreamList>> part = store.list_now(range)) {
    return answer(*std::move(part));
  }
  store.list(range, std::move(answer));
}

Result<Listing> Streams::list_now(const ListOptions& options) {
  Store& store = impl_->engine().store();
  ListingPage page(options, store.list_parts());
  while (!page.complete()) {
    std::optional<Result<StreamList>> part = store.list_now(page.range());
    if (!part) {
      return Error{.code = ErrorCode::kWouldWait,
                   .message = "the store would have to wait; use the form with a completion",
                   .detail = {}};
    }
    if (!*part) return std::move(*part).error();
    page.take(std::move(**part));
  }
  return impl_->engine().listing_of(page);
}

void Streams::list(const ListOptions& options, Completion<Listing> done) {
  impl_->list(std::make_shared<ListingPage>(options, impl_->engine().store().list_parts()),
              or_nobody(std::move(done)));
}

}  // namespace durable_streams
