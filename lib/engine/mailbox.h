// The way from any thread to one loop: answers of operations that waited, and streams whose readers
// are to be woken. However much gathers, the loop is posted to once.
#pragma once

#include <durable_streams/event_loop.h>
#include <durable_streams/result.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace durable_streams {

class Stream;

// What a mailbox hands its mail to, on the loop.
class MailReceiver {
 public:
  virtual ~MailReceiver() = default;
  virtual void on_answer(std::uint64_t operation, const Status& status) = 0;
  virtual void on_wake(const std::shared_ptr<Stream>& stream) = 0;
  virtual void on_rearm() = 0;
};

// Shared by a handle and all that may still answer it after it has gone. Threads: any, but close().
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  Mailbox(EventLoop& loop, MailReceiver& receiver) : loop_(&loop), receiver_(&receiver) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void answer(std::uint64_t operation, Status status);
  void wake(std::shared_ptr<Stream> stream);

  // Asks the handle to look at the expiry timer again.
  void rearm();

  // From now on mail is thrown away. Threads: loop only.
  void close();

 private:
  struct Mail {
    void clear();

    std::vector<std::pair<std::uint64_t, Status>> answers;
    std::vector<std::shared_ptr<Stream>> woken;
    bool rearm = false;
  };

  template <class Put>
  void put(Put put_in);
  void deliver();

  Mutex mutex_;
  EventLoop* loop_ DURABLE_STREAMS_GUARDED_BY(mutex_);  // null: closed
  Mail mail_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  bool posted_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;

  // Loop only.
  MailReceiver* receiver_;  // null: closed
  Mail room_;               // the last delivery's memory, for the next
};

}  // namespace durable_streams
