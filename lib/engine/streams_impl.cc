// One loop's handle: operations that must wait are kept here by name, and come back through the
// mailbox.
#include "engine/streams_impl.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/owned_requests.h"
#include "protocol/content_type.h"

namespace durable_streams {

namespace {

// Keeps an operation's completion with the handle when it turns out that it must wait.
// `MakeRestart` makes a callable that owns the operation's arguments and starts it again with the
// completion.
template <class T, class MakeRestart>
class HandleDeferral : public Deferral<T> {
 public:
  HandleDeferral(Streams::Impl& handle, Completion<T>& done, MakeRestart make_restart)
      : handle_(handle), done_(done), make_restart_(std::move(make_restart)) {}

  Function<void(Result<T>)> answer_later() override {
    auto cell = std::make_shared<std::optional<Result<T>>>();
    const std::uint64_t operation =
        handle_.keep([cell, done = take_completion()](const Status& status) mutable {
          done(status.ok() ? *std::move(*cell) : Result<T>(status.error()));
        });
    return [cell, operation, mailbox = handle_.mailbox().shared_from_this()](Result<T> result) {
      cell->emplace(std::move(result));
      mailbox->answer(operation, {});
    };
  }

  Continuation start_again() override {
    return when_told(
        [restart = make_restart_(), done = std::move(done_)](const Status& status) mutable {
          if (!status.ok()) return done(status.error());
          restart(std::move(done));
        });
  }

  Continuation answer_with(Result<T> result) override {
    return when_told(
        [result = std::move(result), done = take_completion()](const Status& status) mutable {
          done(status.ok() ? std::move(result) : Result<T>(status.error()));
        });
  }

 protected:
  // What is told the answer.
  virtual Completion<T> take_completion() { return std::move(done_); }

 private:
  // `resume` stays with the handle, and runs there when what is returned has been told.
  Continuation when_told(WaitingOperations::Resume resume) {
    const std::uint64_t operation = handle_.keep(std::move(resume));
    return [operation, mailbox = handle_.mailbox().shared_from_this()](const Status& status) {
      mailbox->answer(operation, status);
    };
  }

  Streams::Impl& handle_;
  Completion<T>& done_;
  MakeRestart make_restart_;
};

// What a page's answer does to the reader that stays with the stream.
void advance(LiveReader* reader, const Result<ReadAnswer>& answer) {
  if (reader == nullptr) return;
  if (answer.ok()) {
    reader->set_position(answer->page.next_offset);
  } else {
    reader->give_up();
  }
}

Completion<ReadAnswer> advancing(LiveReader* reader, Completion<ReadAnswer> done) {
  if (reader == nullptr) return done;
  return [reader, done = std::move(done)](Result<ReadAnswer> answer) mutable {
    advance(reader, answer);
    done(std::move(answer));
  };
}

}  // namespace

Streams::Impl::Impl(Engine& engine, EventLoop& loop)
    : public_engine_(engine),
      engine_(engine.impl()),
      loop_(loop),
      mailbox_(std::make_shared<Mailbox>(loop, *this)) {
  engine_.add_handle(mailbox_);
  mailbox_->rearm();
}

Streams::Impl::~Impl() {
  engine_.remove_handle(*mailbox_);
  mailbox_->close();
  loop_.cancel(reap_timer_);
  const Status canceled =
      Error{.code = ErrorCode::kCanceled, .message = "the handle was closed", .detail = {}};
  waiting_.resume_all(canceled);
  // Only now: a follower that went while it read has left its stream when that read was canceled.
  DURABLE_STREAMS_ASSERT(live_readers_ == 0);
}

AtOnce<CreateAnswer> Streams::Impl::create(std::string_view path, const CreateOptions& options,
                                           const Slice& owned_body, Completion<CreateAnswer> done,
                                           Pace pace) {
  return run_create(path, options, owned_body, nullptr, pace, done);
}

AtOnce<CreateAnswer> Streams::Impl::run_create(std::string_view path, const CreateOptions& options,
                                               const Slice& owned_body,
                                               std::shared_ptr<ForkPlan> plan, Pace pace,
                                               Completion<CreateAnswer>& done) {
  auto make_restart = [&] {
    return [this, plan, pace,
            owned = OwnedCreate(path, options, owned_body)](Completion<CreateAnswer> again) {
      AtOnce<CreateAnswer> answer =
          run_create(owned.path(), owned.options(), owned.body(), plan, pace, again);
      if (answer) again(*std::move(answer));
    };
  };
  HandleDeferral<CreateAnswer, decltype(make_restart)> deferral(*this, done, make_restart);
  PayloadMaker payload(options.body, owned_body, scratch_);
  AtOnce<CreateAnswer> answer = engine_.create(path, options, payload, plan, pace, deferral);
  flush_after(!answer);
  return answer;
}

AtOnce<Appended> Streams::Impl::append(const AppendRequest& request, Completion<Appended> done) {
  return run_append(request, done);
}

AtOnce<Appended> Streams::Impl::run_append(const AppendRequest& request,
                                           Completion<Appended>& done) {
  auto make_restart = [&] {
    return [this, owned = OwnedAppend(request)](Completion<Appended> again) {
      AtOnce<Appended> answer = run_append(owned.request(), again);
      if (answer) again(*std::move(answer));
    };
  };
  HandleDeferral<Appended, decltype(make_restart)> deferral(*this, done, make_restart);
  PayloadMaker payload(request.body, request.owned_body, scratch_);
  // Validated before the lock is taken, where the type is known; for others under it.
  if (protocol::is_json(request.options.content_type)) payload.for_framing(Framing::kJson);
  AtOnce<Appended> answer = engine_.append(request, payload, deferral);
  flush_after(!answer);
  return answer;
}

std::optional<Status> Streams::Impl::read(const ReadRequest& request, ReadAnswer& out,
                                          Completion<ReadAnswer> done) {
  return run_read(request, nullptr, out, done);
}

std::optional<Status> Streams::Impl::open_live(const ReadRequest& request, LiveReader& reader,
                                               ReadAnswer& out, Completion<ReadAnswer> done) {
  reader.handle_ = this;
  return run_read(request, &reader, out, done);
}

std::optional<Status> Streams::Impl::run_read(const ReadRequest& request, LiveReader* live,
                                              ReadAnswer& out, Completion<ReadAnswer>& done) {
  auto make_restart = [&] {
    return [this, live, owned = OwnedRead(request)](Completion<ReadAnswer> again) {
      ReadAnswer answer;
      std::optional<Status> status = run_read(owned.request(), live, answer, again);
      if (status) {
        again(status->ok() ? Result<ReadAnswer>(std::move(answer)) : std::move(*status).error());
      }
    };
  };

  // The page of a reader that stays comes back through the reader.
  class ReadDeferral final : public HandleDeferral<ReadAnswer, decltype(make_restart)> {
   public:
    ReadDeferral(Impl& handle, Completion<ReadAnswer>& done, decltype(make_restart) restart,
                 LiveReader* reader)
        : HandleDeferral<ReadAnswer, decltype(make_restart)>(handle, done, restart),
          reader_(reader) {}

   protected:
    Completion<ReadAnswer> take_completion() override {
      return advancing(reader_,
                       HandleDeferral<ReadAnswer, decltype(make_restart)>::take_completion());
    }

   private:
    LiveReader* reader_;
  };

  ReadDeferral deferral(*this, done, make_restart, live);
  std::optional<Status> answer = engine_.read(request, live, out, deferral);
  if (answer && live != nullptr) {
    if (answer->ok()) {
      live->set_position(out.page.next_offset);
    } else {
      live->give_up();
    }
  }
  flush_after(false);
  return answer;
}

std::optional<Status> Streams::Impl::read_again(StreamId stream, std::uint64_t from,
                                                std::uint64_t to, ReadAnswer& out,
                                                Completion<ReadAnswer> done) {
  auto no_restart = [] { return [](Completion<ReadAnswer>) { DURABLE_STREAMS_ASSERT(false); }; };
  HandleDeferral<ReadAnswer, decltype(no_restart)> deferral(*this, done, no_restart);
  return engine_.read_again(stream, from, to, out, deferral);
}

std::optional<Status> Streams::Impl::read_live(Offset from, std::size_t bytes_max, ReadAnswer& out,
                                               Completion<ReadAnswer> done) {
  auto no_restart = [] { return [](Completion<ReadAnswer>) { DURABLE_STREAMS_ASSERT(false); }; };
  HandleDeferral<ReadAnswer, decltype(no_restart)> deferral(*this, done, no_restart);
  return engine_.read_page(from, bytes_max, out, deferral);
}

AtOnce<StreamView> Streams::Impl::info(std::string_view path, Completion<StreamView> done) {
  return run_info(path, done);
}

AtOnce<StreamView> Streams::Impl::run_info(std::string_view path, Completion<StreamView>& done) {
  auto make_restart = [&] {
    return [this, owned = std::string(path)](Completion<StreamView> again) {
      AtOnce<StreamView> answer = run_info(owned, again);
      if (answer) again(*std::move(answer));
    };
  };
  HandleDeferral<StreamView, decltype(make_restart)> deferral(*this, done, make_restart);
  AtOnce<StreamView> answer = engine_.info(path, deferral);
  flush_after(false);
  return answer;
}

AtOnce<void> Streams::Impl::remove(std::string_view path, Completion<void> done) {
  return run_remove(path, done);
}

AtOnce<void> Streams::Impl::run_remove(std::string_view path, Completion<void>& done) {
  auto make_restart = [&] {
    return [this, owned = std::string(path)](Completion<void> again) {
      AtOnce<void> answer = run_remove(owned, again);
      if (answer) again(*std::move(answer));
    };
  };
  HandleDeferral<void, decltype(make_restart)> deferral(*this, done, make_restart);
  AtOnce<void> answer = engine_.remove(path, deferral);
  flush_after(!answer);
  return answer;
}

// Any operation may submit more than it was asked for: it removes what it finds expired, and saves
// deadlines of streams that make way for its own.
void Streams::Impl::flush_after(bool submitted) {
  if (engine_.take_flush_wanted() || submitted) flush_later();
}

void Streams::Impl::flush_later() {
  if (std::exchange(flush_posted_, true)) return;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    flush_posted_ = false;
    if (loop_.may_wait()) {
      engine_.store().flush_waiting();
    } else {
      engine_.store().flush();
    }
  });
}

std::uint64_t Streams::Impl::keep(WaitingOperations::Resume resume) {
  return waiting_.add(std::move(resume));
}

void Streams::Impl::on_answer(std::uint64_t operation, const Status& status) {
  if (WaitingOperations::Resume resume = waiting_.take(operation)) resume(status);
}

void Streams::Impl::on_wake(const std::shared_ptr<Stream>& stream) {
  {
    const ShardLock lock(stream->shard);
    const auto group = std::find_if(
        stream->wait_groups.begin(), stream->wait_groups.end(),
        [&](const WaitGroup& each) { return each.mailbox == mailbox_.get() && each.woken; });
    if (group == stream->wait_groups.end()) return;  // its readers have all left
    first_woken_ = group->first;
    for (LiveReader* reader = first_woken_; reader != nullptr; reader = reader->next_) {
      reader->in_group_ = false;
      --stream->shard.waiting_readers[static_cast<std::size_t>(reader->kind())];
    }
    stream->wait_groups.erase(group);
  }
  const std::weak_ptr<bool> alive = alive_;
  while (!alive.expired() && first_woken_ != nullptr) {
    LiveReader* reader = first_woken_;
    reader->stop_waiting();
    reader->on_ready();
  }
}

void Streams::Impl::on_rearm() {
  constexpr std::chrono::milliseconds kLookAgain{10'000};  // the wall clock may be set
  const WallTime at = engine_.next_reaping(*mailbox_);
  if (at == kNever || (reap_timer_ != 0 && reap_at_ <= at)) return;
  loop_.cancel(reap_timer_);
  reap_at_ = at;
  const auto wait = std::clamp(at - engine_.now(), std::chrono::milliseconds(0), kLookAgain);
  reap_timer_ = loop_.run_after(wait, [this] {
    reap_timer_ = 0;
    if (engine_.next_reaping(*mailbox_) <= engine_.now()) {
      engine_.reap();
      flush_later();
    }
    on_rearm();
  });
}

}  // namespace durable_streams
