// Where exactly a fork leaves its source: found out from the source's bytes before the fork is made
// (protocol section 4.2).
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "engine/operations.h"

namespace durable_streams {

// Bytes before a visible tail never change, so no lock is needed. Looks through a bounded number of
// bytes at a time, however far away the sub-offset is. Threads: one at a time.
class ForkPlan {
 public:
  enum class Progress : std::uint8_t {
    kResolved,    // see resolved()
    kUnfinished,  // a slice is done: go on when others had their turn
    kWaits,       // the store has to wait: go on with fetch()
  };

  // `source` as its readers see it; `anchor` is not beyond its tail.
  ForkPlan(StreamView source, Offset anchor, std::uint64_t sub_offset);

  const StreamView& source() const { return source_; }
  Offset anchor() const { return anchor_; }
  std::uint64_t sub_offset() const { return sub_offset_; }

  // The first byte that is the fork's own. Only when resolved() says ok.
  std::uint64_t position() const { return position_; }

  // How the resolution went; nullopt: it has not ended.
  const std::optional<Status>& resolved() const { return resolved_; }

  // Goes on with what the store answers at once: to the end, or a slice of it.
  Progress resolve(Store& store, Pace pace);

  // Takes the one answer that the store had to wait for, then runs `done`, on any thread.
  static void fetch(std::shared_ptr<ForkPlan> plan, Store& store, Function<void()> done);

 private:
  enum class Step : std::uint8_t { kCheckAnchor, kSkipBytes, kSkipMessages, kDone };

  void next_step();
  ReadRange range() const;
  void take_append_end(const Result<std::uint64_t>& end);
  void take_bytes(const Status& status, const StoredBytes& bytes);
  void check_anchor(const StoredBytes& bytes);
  void skip_messages(const StoredBytes& bytes);
  void fail(Error error);
  void fail_past_end();

  const StreamView source_;
  const Offset anchor_;
  const std::uint64_t sub_offset_;
  std::uint64_t position_;
  std::uint64_t messages_left_ = 0;
  Step step_ = Step::kCheckAnchor;
  std::optional<Status> resolved_;
};

}  // namespace durable_streams
