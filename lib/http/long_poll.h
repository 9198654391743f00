// A read that waits at the tail for what comes (protocol section 5.7).
#pragma once

#include <optional>
#include <string_view>

#include "http/live_response.h"
#include "protocol/query.h"

namespace durable_streams::http {

// Threads: loop only.
class LongPoll final : public LiveResponse {
 public:
  LongPoll(Exchange::Impl& exchange, const protocol::ReadQuery& query);

  // `if_none_match` counts for what is there at once; what is waited for, no cache has.
  void open(const ReadRequest& request, std::string_view if_none_match);

  void drain() override { on_timer(); }

 protected:
  Next take_page(ReadAnswer& answer) override;
  void take_error(const Error& error) override;
  void on_timer() override;

 private:
  std::uint64_t next_cursor();
  void answer_no_content(const Page& page);

  std::optional<std::uint64_t> cursor_;  // the client's
  Offset asked_;
  std::string_view if_none_match_;
  bool from_now_;
  bool time_is_up_ = false;
};

}  // namespace durable_streams::http
