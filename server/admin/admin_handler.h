// The requests of an admin endpoint.
#pragma once

#include <durable_streams/http/message.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/admin/admin_actions.h"
#include "server/http/handler.h"

namespace durable_streams::server {

// From where an admin endpoint is asked.
struct AdminAudience {
  enum class Kind : std::uint8_t {
    kOwner,      // by the data directory's control socket, which only its owner can open
    kMachine,    // from this machine: any of its users, and web pages in their browsers
    kEverybody,  // from other machines: metrics and health alone
  };

  Kind kind = Kind::kMachine;
  std::string host;        // of kMachine: what it is asked as, besides localhost
  std::uint16_t port = 0;  // of kMachine: of the pages that may ask
  std::string store;       // of kOwner: the directory
};

// GET /metrics, /healthz, /readyz, /config/, /streams[?prefix=...]; POST /load, /stop,
// /backup?to=DIRECTORY[&store=...]. Borrows the actions, which outlive it. Threads: loop only.
class AdminHandler final : public Handler {
 public:
  AdminHandler(AdminActions& actions, AdminAudience audience)
      : actions_(actions), audience_(std::move(audience)) {}

  void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) override;
  void refuse(http::ResponseSink& sink, int status, std::string_view detail) override;

 private:
  struct Route;
  static const Route* find_route(std::string_view path);
  // False: the request is no business of this endpoint, and has been answered.
  bool welcome(const http::RequestHead& head, http::ResponseSink& sink) const;

  void answer_metrics(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void answer_health(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void answer_readiness(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void answer_config(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void start_list(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void start_load(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void start_stop(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);
  void start_backup(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot);

  AdminActions& actions_;
  const AdminAudience audience_;
};

}  // namespace durable_streams::server
