// What long-polls and SSE responses have in common: they stay with a stream, read on when there is
// more, and end when their time has come.
#pragma once

#include <durable_streams/http/endpoint.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "engine/live_reader.h"
#include "engine/operations.h"

namespace durable_streams::http {

class EndpointState;

// A part of its exchange. Has one timer at the most. Threads: loop only.
class LiveResponse : public LiveReader {
 public:
  LiveResponse(Exchange::Impl& exchange, LiveKind kind) : LiveReader(kind), exchange_(exchange) {}

  void open(ReadRequest request);

  // The client can take more.
  virtual void writable() {}

  // Sends something that means nothing, if there may be such a thing.
  virtual void probe() {}

  // Ends the response as if its time had come.
  virtual void drain() = 0;

  // Leaves the stream: the response has ended, or nobody waits for it any more.
  void leave();

  bool over() const { return over_; }

 protected:
  enum class Next : std::uint8_t {
    kWait,    // nothing more is there
    kReadOn,  // more is there, or may be
    kStop,    // the response is over, pauses, or waits for a read
  };

  // What the stream has from position() on, possibly nothing. Moves position() behind it.
  virtual Next take_page(ReadAnswer& answer) = 0;
  // The stream is gone, or could not be read.
  virtual void take_error(const Error& error) = 0;
  virtual void on_timer() = 0;

  // How much of the stream one page may hold.
  virtual std::size_t page_bytes_max() const;

  // Reads a page and takes it.
  virtual Next read_page();

  void run(Next next);
  void set_timer(std::chrono::milliseconds delay);
  bool reading() const { return reading_; }

  Exchange::Impl& exchange_;

 private:
  void on_ready() final { run(Next::kReadOn); }
  Completion<ReadAnswer> page_taker();
  void on_read(Result<ReadAnswer> answer);
  Next take(const Status& status, ReadAnswer& answer);

  EventLoop::TimerId timer_ = 0;
  bool reading_ = false;  // a read has not come back yet
  bool over_ = false;
};

}  // namespace durable_streams::http
