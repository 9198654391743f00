// A response that brings a stream's bytes as server-sent events, as long as it lasts (protocol
// section 5.8).
#pragma once

#include <cstddef>

#include "http/live_response.h"
#include "http/sse_frames.h"
#include "protocol/query.h"

namespace durable_streams::http {

// A slow client is paused: what it is not ready for stays in the store. Threads: loop only.
class SseResponse final : public LiveResponse {
 public:
  SseResponse(Exchange::Impl& exchange, const protocol::ReadQuery& query);

  void open(const ReadRequest& request);
  void writable() override;
  void probe() override;
  void drain() override;

 protected:
  std::size_t page_bytes_max() const override;
  Next read_page() override;
  Next take_page(ReadAnswer& answer) override;
  void take_error(const Error& error) override;
  void on_timer() override;

 private:
  void start(const ReadAnswer& first);
  // Whether the client can take no more for now.
  bool pauses();
  Next send(const SseFrame& frame);
  void write(const SseFrame& frame);
  std::uint64_t advance_cursor();
  // For when the next comment or the end is due.
  void set_next_timer();
  void end();

  std::uint64_t cursor_;  // never goes back
  EventLoop::TimePoint end_at_;
  EventLoop::TimePoint last_sent_;
  SseTextState text_;
  bool started_ = false;
  bool control_due_ = true;  // the first control event comes also without data
  bool paused_ = false;
  bool ending_ = false;  // after the first page
};

}  // namespace durable_streams::http
