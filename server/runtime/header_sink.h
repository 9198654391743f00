// Changes the headers of a response on its way to the client (`header`).
#pragma once

#include <durable_streams/http/message.h>

#include <span>
#include <string>
#include <string_view>

#include "server/config/config.h"

namespace durable_streams::server {

// The lines `fields` (http::ResponseHead::fields) after all operations, in order.
std::string changed_fields(std::string_view fields, std::span<const HeaderOperation> operations);

// Borrows the sink and the operations. Threads: loop only.
class HeaderSink final : public http::ResponseSink {
 public:
  HeaderSink(http::ResponseSink& sink, std::span<const HeaderOperation> operations)
      : sink_(sink), operations_(operations) {}

  void start(const http::ResponseHead& head) override {
    const std::string fields = changed_fields(head.fields, operations_);
    sink_.start({.status = head.status, .fields = fields, .content_length = head.content_length});
  }
  void write(std::span<const Slice> pieces) override { sink_.write(pieces); }
  void finish() override { sink_.finish(); }
  bool full() const override { return sink_.full(); }

 private:
  http::ResponseSink& sink_;
  const std::span<const HeaderOperation> operations_;
};

}  // namespace durable_streams::server
