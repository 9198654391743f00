// What a server can be told through its control socket.
#pragma once

#include <durable_streams/event_loop.h>
#include <durable_streams/file_store.h>
#include <durable_streams/http/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "server/http/handler.h"

namespace durable_streams::server {

// `POST /backup?to=DIRECTORY` answers 200 when the backup is whole, and a problem when it failed.
// Borrows the store and the loop, which outlive it. Threads: loop only.
class ControlRouter final : public Handler {
 public:
  ControlRouter(FileStore& store, EventLoop& loop);
  ~ControlRouter() override;

  void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) override;
  void refuse(http::ResponseSink& sink, int status, std::string_view detail) override;

 private:
  struct Gate;

  void start_backup(std::string directory, http::ResponseSink& sink, AnswerSlot& slot);

  FileStore& store_;
  const std::shared_ptr<Gate> gate_;  // from the store's threads to the loop
};

// The value of `name` in a target's query, decoded; empty: there is none.
std::string query_value(std::string_view target, std::string_view name);

// The same bytes as a query's value.
std::string query_encoded(std::string_view text);

}  // namespace durable_streams::server
