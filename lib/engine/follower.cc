// A live reader with a public face: one page for each next().
#include <durable_streams/streams.h>

#include <string>
#include <utility>

#include "engine/live_reader.h"
#include "engine/streams_impl.h"

namespace durable_streams {

// Kept alive by its follower, and by a read that has not come back yet. Threads: loop only.
class Follower::Impl final : public LiveReader, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Streams::Impl& handle, std::string_view path, Offset from)
      : LiveReader(LiveKind::kFollower), handle_(handle), path_(path) {
    set_position(from);
  }

  void next(Completion<Page> done) {
    if (!done) return;
    if (done_) return refuse(std::move(done));
    done_ = std::move(done);
    in_next_ = true;
    if (attached()) {
      read_on();
    } else {
      open();
    }
    in_next_ = false;
  }

  // The follower has gone: nobody is told any more.
  void abandon() {
    abandoned_ = true;
    done_ = nullptr;
    if (!reading_) detach();
  }

 private:
  void open() {
    ReadAnswer answer;
    reading_ = true;
    std::optional<Status> status = handle_.open_live(
        {.path = path_, .from = position()}, *this, answer,
        [self = shared_from_this()](Result<ReadAnswer> later) { self->on_page(std::move(later)); });
    take(status, std::move(answer));
  }

  void read_on() {
    ReadAnswer answer;
    reading_ = true;
    std::optional<Status> status = read(
        0, answer,
        [self = shared_from_this()](Result<ReadAnswer> later) { self->on_page(std::move(later)); });
    take(status, std::move(answer));
  }

  void take(std::optional<Status>& status, ReadAnswer&& answer) {
    if (!status) return;
    if (status->ok()) {
      on_page(std::move(answer));
    } else {
      on_page(std::move(*status).error());
    }
  }

  void on_page(Result<ReadAnswer> answer) {
    reading_ = false;
    if (abandoned_) return detach();
    if (!answer.ok()) return deliver(std::move(answer).error());
    set_position(answer->page.next_offset);
    if (answer->page.slices.empty() && !answer->page.closed) {
      if (!wait()) read_on();
      return;
    }
    deliver(std::move(answer->page));
  }

  void on_ready() override {
    const std::shared_ptr<Impl> self = shared_from_this();
    read_on();
  }

  // In a task of its own when next() has found its page at once; else this is one already.
  void deliver(Result<Page> page) {
    if (!in_next_) return std::exchange(done_, nullptr)(std::move(page));
    handle_.loop().post([self = shared_from_this(), page = std::move(page)]() mutable {
      if (self->done_) std::exchange(self->done_, nullptr)(std::move(page));
    });
  }

  void refuse(Completion<Page> done) {
    handle_.loop().post([self = shared_from_this(), done = std::move(done)]() mutable {
      if (self->abandoned_) return;
      done(Error{.code = ErrorCode::kInvalidArgument,
                 .message = "next() is waiting already",
                 .detail = {}});
    });
  }

  Streams::Impl& handle_;
  const std::string path_;
  Completion<Page> done_;
  bool in_next_ = false;
  bool reading_ = false;
  bool abandoned_ = false;
};

Follower::Follower() = default;
Follower::Follower(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Follower::Follower(Follower&&) noexcept = default;

Follower& Follower::operator=(Follower&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->abandon();
  impl_ = std::move(other.impl_);
  return *this;
}

Follower::~Follower() {
  if (impl_) impl_->abandon();
}

void Follower::next(Completion<Page> done) { impl_->next(std::move(done)); }

Offset Follower::offset() const { return impl_->position(); }

Follower Streams::follow(std::string_view path, Offset from) {
  return Follower(std::make_shared<Follower::Impl>(*impl_, path, from));
}

}  // namespace durable_streams
