// The public operations: the same ones as the endpoint's, with plain types and a completion that
// always runs later.
#include <durable_streams/streams.h>

#include <utility>

#include "engine/streams_impl.h"
#include "protocol/json_messages.h"

namespace durable_streams {

namespace {

Error would_wait() {
  return {.code = ErrorCode::kWouldWait,
          .message = "the store would have to wait; use the form with a completion",
          .detail = {}};
}

StreamInfo info_of(StreamView&& view) {
  return {.id = view.id,
          .content_type = view.media_type->text,
          .framing = view.media_type->framing,
          .tail = view.tail,
          .closed = view.closed,
          .expiry = view.expiry,
          .deadline = view.deadline};
}

Result<Created> created_of(Result<CreateAnswer>&& answer) {
  if (!answer) return std::move(answer).error();
  return Created{.existed = answer->existed, .stream = info_of(std::move(answer->stream))};
}

Result<StreamInfo> info_result(Result<StreamView>&& view) {
  if (!view) return std::move(view).error();
  return info_of(std::move(*view));
}

Result<Page> page_of(Result<ReadAnswer>&& answer) {
  if (!answer) return std::move(answer).error();
  return std::move(answer->page);
}

AppendRequest append_request(std::string_view path, std::string_view body,
                             const AppendOptions& options) {
  return {.path = path, .body = body, .owned_body = {}, .options = options};
}

// For calls that only want what is known at once. What they would wait for may still be fetched: a
// later call finds it.
template <class T>
Completion<T> nobody() {
  return or_nobody<T>(nullptr);
}

// Runs an asynchronous operation to its completion. `start` begins it with what takes a later
// answer, and gives an answer that is there at once; `convert` makes the public form of either.
template <class T, class Internal, class Start, class Convert>
void run(Streams::Impl& handle, Completion<T> done, Start start, Convert convert) {
  auto shared = std::make_shared<Completion<T>>(or_nobody(std::move(done)));
  std::optional<Result<Internal>> answer = start(Completion<Internal>(
      [shared, convert](Result<Internal> later) { (*shared)(convert(std::move(later))); }));
  if (!answer) return;
  const std::uint64_t operation =
      handle.keep([shared, result = convert(*std::move(answer))](const Status& status) mutable {
        (*shared)(status.ok() ? std::move(result) : Result<T>(status.error()));
      });
  handle.mailbox().answer(operation, {});
}

// A page read by `read`, whose answer goes into its argument, as a value.
template <class Read>
AtOnce<ReadAnswer> read_value(Read read) {
  ReadAnswer answer;
  std::optional<Status> status = read(answer);
  if (!status) return std::nullopt;
  if (!status->ok()) return std::move(*status).error();
  return Result<ReadAnswer>(std::move(answer));
}

}  // namespace

std::size_t Page::size() const {
  std::size_t size = 0;
  for (const Slice& slice : slices) size += slice.size();
  return size;
}

std::string Page::text() const {
  std::string text;
  text.reserve(size() + 2);
  if (framing == Framing::kJson) text += '[';
  for (const Slice& slice : slices) text += slice.view();
  if (framing != Framing::kJson) return text;
  if (text.size() > 1) {
    text.resize(text.size() - protocol::kJsonMessageEnd.size());  // the last message's
  }
  text += ']';
  return text;
}

Streams::Streams(Engine& engine, EventLoop& loop) : impl_(std::make_unique<Impl>(engine, loop)) {}
Streams::~Streams() = default;

Engine& Streams::engine() const { return impl_->public_engine(); }
EventLoop& Streams::loop() const { return impl_->loop(); }

Result<Created> Streams::create_now(std::string_view path, const CreateOptions& options) {
  if (!impl_->engine().store().commits_at_once()) return would_wait();
  AtOnce<CreateAnswer> answer =
      impl_->create(path, options, {}, nobody<CreateAnswer>(), Pace::kInOneGo);
  return answer ? created_of(*std::move(answer)) : would_wait();
}

void Streams::create(std::string_view path, const CreateOptions& options,
                     Completion<Created> done) {
  auto start = [&](Completion<CreateAnswer> later) {
    return impl_->create(path, options, {}, std::move(later));
  };
  run<Created, CreateAnswer>(*impl_, std::move(done), start, &created_of);
}

Result<Appended> Streams::append_now(std::string_view path, std::string_view body,
                                     const AppendOptions& options) {
  if (!impl_->engine().store().commits_at_once()) return would_wait();
  AtOnce<Appended> answer = impl_->append(append_request(path, body, options), nobody<Appended>());
  return answer ? *std::move(answer) : would_wait();
}

void Streams::append(std::string_view path, std::string_view body, const AppendOptions& options,
                     Completion<Appended> done) {
  auto start = [&](Completion<Appended> later) {
    return impl_->append(append_request(path, body, options), std::move(later));
  };
  run<Appended, Appended>(*impl_, std::move(done), start,
                          [](Result<Appended>&& answer) { return std::move(answer); });
}

Result<Page> Streams::read_now(std::string_view path, Offset from, std::size_t bytes_max) {
  const ReadRequest request{.path = path, .from = from, .bytes_max = bytes_max};
  AtOnce<ReadAnswer> answer =
      read_value([&](ReadAnswer& out) { return impl_->read(request, out, nobody<ReadAnswer>()); });
  return answer ? page_of(*std::move(answer)) : would_wait();
}

void Streams::read(std::string_view path, Offset from, std::size_t bytes_max,
                   Completion<Page> done) {
  const ReadRequest request{.path = path, .from = from, .bytes_max = bytes_max};
  auto start = [&](Completion<ReadAnswer> later) {
    return read_value([&](ReadAnswer& out) { return impl_->read(request, out, std::move(later)); });
  };
  run<Page, ReadAnswer>(*impl_, std::move(done), start, &page_of);
}

Result<StreamInfo> Streams::info_now(std::string_view path) {
  AtOnce<StreamView> answer = impl_->info(path, nobody<StreamView>());
  return answer ? info_result(*std::move(answer)) : would_wait();
}

void Streams::info(std::string_view path, Completion<StreamInfo> done) {
  auto start = [&](Completion<StreamView> later) { return impl_->info(path, std::move(later)); };
  run<StreamInfo, StreamView>(*impl_, std::move(done), start, &info_result);
}

Status Streams::remove_now(std::string_view path) {
  if (!impl_->engine().store().commits_at_once()) return would_wait();
  AtOnce<void> answer = impl_->remove(path, nobody<void>());
  return answer ? *std::move(answer) : would_wait();
}

void Streams::remove(std::string_view path, Completion<void> done) {
  auto start = [&](Completion<void> later) { return impl_->remove(path, std::move(later)); };
  run<void, void>(*impl_, std::move(done), start,
                  [](Status&& answer) { return std::move(answer); });
}

}  // namespace durable_streams
