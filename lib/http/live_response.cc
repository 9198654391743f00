// Reading on. A read that must wait comes back through the exchange, which outlives it.
#include "http/live_response.h"

#include <utility>

#include "http/endpoint_state.h"

namespace durable_streams::http {

void LiveResponse::open(ReadRequest request) {
  EndpointState& endpoint = exchange_.endpoint();
  request.bytes_max = page_bytes_max();
  reading_ = true;
  const std::optional<Status> opened =
      endpoint.streams.open_live(request, *this, endpoint.read_answer, page_taker());
  if (!opened) return;
  reading_ = false;
  run(take(*opened, endpoint.read_answer));
}

std::size_t LiveResponse::page_bytes_max() const {
  return exchange_.endpoint().options.chunk_bytes_max;
}

LiveResponse::Next LiveResponse::read_page() {
  EndpointState& endpoint = exchange_.endpoint();
  reading_ = true;
  const std::optional<Status> status = read(page_bytes_max(), endpoint.read_answer, page_taker());
  if (!status) return Next::kStop;
  reading_ = false;
  return take(*status, endpoint.read_answer);
}

Completion<ReadAnswer> LiveResponse::page_taker() {
  return [exchange = ExchangeReference(exchange_)](Result<ReadAnswer> answer) {
    exchange->live_response()->on_read(std::move(answer));
  };
}

void LiveResponse::on_read(Result<ReadAnswer> answer) {
  reading_ = false;
  if (over_) return detach();  // it may have joined the stream after leave()
  if (!answer.ok()) return take_error(answer.error());
  run(take_page(*answer));
}

LiveResponse::Next LiveResponse::take(const Status& status, ReadAnswer& answer) {
  if (status.ok()) return take_page(answer);
  take_error(status.error());
  return Next::kStop;
}

void LiveResponse::run(Next next) {
  while (next != Next::kStop) {
    if (next == Next::kWait && wait()) return;
    next = read_page();
  }
}

void LiveResponse::set_timer(std::chrono::milliseconds delay) {
  EventLoop& loop = exchange_.endpoint().loop;
  loop.cancel(timer_);
  timer_ = loop.run_after(delay, [this] {
    timer_ = 0;
    on_timer();
  });
}

void LiveResponse::leave() {
  if (std::exchange(over_, true)) return;
  if (timer_ != 0) exchange_.endpoint().loop.cancel(std::exchange(timer_, 0));
  detach();
}

}  // namespace durable_streams::http
