// First the anchor must lie between messages, then the sub-offset is counted off: bytes within one
// append, or messages.
#include "engine/fork_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/json_messages.h"

namespace durable_streams {

namespace {

// What is looked through in one slice, unless a single message is larger: up to 2 ms, for messages
// of one character.
constexpr std::size_t kScanBytesMax = 1 << 20;

}  // namespace

ForkPlan::ForkPlan(StreamView source, Offset anchor, std::uint64_t sub_offset)
    : source_(std::move(source)),
      anchor_(anchor),
      sub_offset_(sub_offset),
      position_(anchor.position) {
  const bool json = source_.media_type->framing == Framing::kJson;
  if (!json || anchor_.position == 0 || anchor_.position == source_.tail.position) next_step();
}

void ForkPlan::next_step() {
  const bool json = source_.media_type->framing == Framing::kJson;
  if (step_ == Step::kCheckAnchor && sub_offset_ > 0) {
    step_ = json ? Step::kSkipMessages : Step::kSkipBytes;
    messages_left_ = sub_offset_;
    const std::uint64_t bytes_left = source_.tail.position - anchor_.position;
    const std::uint64_t fit_at_most =
        json ? bytes_left / protocol::kStoredJsonMessageBytesMin : bytes_left;
    if (sub_offset_ > fit_at_most) fail_past_end();
    return;
  }
  step_ = Step::kDone;
  resolved_ = Status();
}

ForkPlan::Progress ForkPlan::resolve(Store& store, Pace pace) {
  StoredBytes bytes;
  while (!resolved_) {
    if (step_ == Step::kSkipBytes) {
      const std::optional<Result<std::uint64_t>> end =
          store.append_end_now(source_.id, anchor_.position);
      if (!end) return Progress::kWaits;
      take_append_end(*end);
    } else {
      const bool slice = step_ == Step::kSkipMessages;
      const std::optional<Status> read = store.read_now(range(), bytes);
      if (!read) return Progress::kWaits;
      take_bytes(*read, bytes);
      if (slice && !resolved_ && pace == Pace::kInSlices) return Progress::kUnfinished;
    }
  }
  return Progress::kResolved;
}

void ForkPlan::fetch(std::shared_ptr<ForkPlan> plan, Store& store, Function<void()> done) {
  ForkPlan& self = *plan;
  if (self.step_ == Step::kSkipBytes) {
    store.append_end(
        self.source_.id, self.anchor_.position,
        [plan = std::move(plan), done = std::move(done)](const Result<std::uint64_t>& end) mutable {
          plan->take_append_end(end);
          done();
        });
    return;
  }
  const ReadRange wanted = self.range();
  store.read(wanted, [plan = std::move(plan),
                      done = std::move(done)](const Result<StoredBytes>& read) mutable {
    if (read.ok()) {
      plan->take_bytes({}, *read);
    } else {
      plan->take_bytes(read.error(), {});
    }
    done();
  });
}

ReadRange ForkPlan::range() const {
  if (step_ == Step::kCheckAnchor) {
    const std::size_t before =
        std::min<std::uint64_t>(protocol::kJsonMessageEnd.size(), anchor_.position);
    return {.id = source_.id,
            .from = anchor_.position - before,
            .to = anchor_.position,
            .bytes_max = before};
  }
  return {
      .id = source_.id, .from = position_, .to = source_.tail.position, .bytes_max = kScanBytesMax};
}

void ForkPlan::take_append_end(const Result<std::uint64_t>& end) {
  if (!end.ok()) return fail(end.error());
  if (sub_offset_ > *end - anchor_.position) return fail_past_end();
  position_ = anchor_.position + sub_offset_;
  next_step();
}

void ForkPlan::take_bytes(const Status& status, const StoredBytes& bytes) {
  if (!status.ok()) return fail(status.error());
  if (step_ == Step::kCheckAnchor) {
    check_anchor(bytes);
  } else {
    skip_messages(bytes);
  }
}

void ForkPlan::check_anchor(const StoredBytes& bytes) {
  std::string before;
  for (const Slice& slice : bytes.slices) before += slice.view();
  if (before == protocol::kJsonMessageEnd) return next_step();
  fail({.code = ErrorCode::kInvalidArgument,
        .message = "the fork offset lies inside a message",
        .detail = {}});
}

void ForkPlan::skip_messages(const StoredBytes& bytes) {
  for (const Slice& slice : bytes.slices) {
    position_ += protocol::skip_json_messages(slice.view(), &messages_left_);
    if (messages_left_ == 0) return next_step();
  }
  if (position_ >= source_.tail.position) fail_past_end();
}

void ForkPlan::fail(Error error) { resolved_ = Status(std::move(error)); }

void ForkPlan::fail_past_end() {
  const bool json = source_.media_type->framing == Framing::kJson;
  fail({.code = ErrorCode::kInvalidArgument,
        .message = fmt::format(
            "the fork sub-offset {} lies past {}", sub_offset_,
            json ? "the source's last message" : "the end of the append at the fork offset"),
        .detail = {}});
}

}  // namespace durable_streams
