// The engine's side of one loop: starts operations, carries their answers back to the loop, and
// wakes its readers.
#pragma once

#include <durable_streams/streams.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/deferral.h"
#include "engine/engine_impl.h"
#include "engine/live_reader.h"
#include "engine/mailbox.h"
#include "engine/operations.h"
#include "engine/waiting_operations.h"

namespace durable_streams {

class ListingPage;

// What is called where a caller may have given no completion.
template <class T>
Completion<T> or_nobody(Completion<T> done) {
  return done ? std::move(done) : Completion<T>([](const Result<T>&) {});
}

// Threads: loop only.
class Streams::Impl final : public MailReceiver {
 public:
  Impl(Engine& engine, EventLoop& loop);
  ~Impl() override;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Protocol sections 5.1 and 4.2. `owned_body` may share the memory of `options.body`.
  AtOnce<CreateAnswer> create(std::string_view path, const CreateOptions& options,
                              const Slice& owned_body, Completion<CreateAnswer> done,
                              Pace pace = Pace::kInSlices);

  // Protocol sections 5.2 and 5.3.
  AtOnce<Appended> append(const AppendRequest& request, Completion<Appended> done);

  // Protocol section 5.6. Fills `out` when it answers at once; `out` is used again to save
  // allocations.
  std::optional<Status> read(const ReadRequest& request, ReadAnswer& out,
                             Completion<ReadAnswer> done);

  // A part of a page that was read before, once more: bytes of the stream as they are stored. Of
  // the answer only the slices say anything.
  std::optional<Status> read_again(StreamId stream, std::uint64_t from, std::uint64_t to,
                                   ReadAnswer& out, Completion<ReadAnswer> done);

  // As read(), and when the answer is ok, `reader` stays with the stream, positioned behind the
  // page. Protocol sections 5.7 and 5.8.
  std::optional<Status> open_live(const ReadRequest& request, LiveReader& reader, ReadAnswer& out,
                                  Completion<ReadAnswer> done);

  // Protocol section 5.5.
  AtOnce<StreamView> info(std::string_view path, Completion<StreamView> done);

  // Protocol section 5.4.
  AtOnce<void> remove(std::string_view path, Completion<void> done);

  // Asks for the next part of a page, and so on until it is complete.
  void list(std::shared_ptr<ListingPage> page, Completion<Listing> done);

  EventLoop& loop() const { return loop_; }
  Engine& public_engine() const { return public_engine_; }
  Engine::Impl& engine() const { return engine_; }
  Mailbox& mailbox() const { return *mailbox_; }

  // For LiveReader.
  std::optional<Status> read_live(Offset from, std::size_t bytes_max, ReadAnswer& out,
                                  Completion<ReadAnswer> done);
  void set_first_woken(LiveReader* first) { first_woken_ = first; }
  void count_live_reader(int change) { live_readers_ += change; }

  // A change was handed to a store that gathers: it is told when this turn of the loop is over.
  void flush_later();
  void flush_after(bool submitted);

  // Keeps `resume` until its answer comes by the mailbox, or the handle ends, and returns the name
  // to answer it by.
  std::uint64_t keep(WaitingOperations::Resume resume);

  void on_answer(std::uint64_t operation, const Status& status) override;
  void on_wake(const std::shared_ptr<Stream>& stream) override;
  void on_rearm() override;

 private:
  AtOnce<CreateAnswer> run_create(std::string_view path, const CreateOptions& options,
                                  const Slice& owned_body, std::shared_ptr<ForkPlan> plan,
                                  Pace pace, Completion<CreateAnswer>& done);
  AtOnce<Appended> run_append(const AppendRequest& request, Completion<Appended>& done);
  std::optional<Status> run_read(const ReadRequest& request, LiveReader* live, ReadAnswer& out,
                                 Completion<ReadAnswer>& done);
  AtOnce<StreamView> run_info(std::string_view path, Completion<StreamView>& done);
  AtOnce<void> run_remove(std::string_view path, Completion<void>& done);
  Engine& public_engine_;
  Engine::Impl& engine_;
  EventLoop& loop_;
  const std::shared_ptr<Mailbox> mailbox_;
  WaitingOperations waiting_;
  std::string scratch_;
  LiveReader* first_woken_ = nullptr;  // readers taken from their group, about to be called
  int live_readers_ = 0;
  EventLoop::TimerId reap_timer_ = 0;
  WallTime reap_at_ = kNever;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool flush_posted_ = false;
};

}  // namespace durable_streams
