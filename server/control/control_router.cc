// Answers come from the store's threads, maybe when nobody waits for them any more, or when the
// loop is gone.
#include "server/control/control_router.h"

#include <durable_streams/http/endpoint.h>
#include <fmt/format.h>

#include <charconv>
#include <mutex>
#include <utility>

namespace durable_streams::server {
namespace {

// A request whose backup is under way. The sink is null once its client has gone.
struct Waiting {
  http::ResponseSink* sink = nullptr;
};

class WaitingAnswer final : public Answer {
 public:
  explicit WaitingAnswer(std::shared_ptr<Waiting> waiting) : waiting_(std::move(waiting)) {}
  ~WaitingAnswer() override { waiting_->sink = nullptr; }

  bool wants_body() const override { return false; }
  void body(std::string_view, bool) override {}
  void announce(std::uint64_t) override {}
  void writable() override {}
  void probe() override {}

 private:
  const std::shared_ptr<Waiting> waiting_;
};

int status_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kNoSpace:
      return 507;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTooMany:
    case ErrorCode::kCanceled:
      return 503;
    default:
      return 500;
  }
}

void answer(http::ResponseSink& sink, const Status& status) {
  if (!status)
    return http::answer_problem(sink, status_for(status.error().code), status.error().message);
  sink.start({.status = 200, .fields = "Cache-Control: no-store\r\n", .content_length = 0});
  sink.finish();
}

}  // namespace

struct ControlRouter::Gate {
  std::mutex mutex;
  EventLoop* loop = nullptr;

  void post(Task task) {
    const std::lock_guard lock(mutex);
    if (loop != nullptr) loop->post(std::move(task));
  }
};

ControlRouter::ControlRouter(FileStore& store, EventLoop& loop)
    : store_(store), gate_(std::make_shared<Gate>()) {
  gate_->loop = &loop;
}

ControlRouter::~ControlRouter() {
  const std::lock_guard lock(gate_->mutex);
  gate_->loop = nullptr;
}

void ControlRouter::start(const http::RequestHead& head, http::ResponseSink& sink,
                          AnswerSlot& slot) {
  const std::string_view path = head.target.substr(0, head.target.find('?'));
  if (path != "/backup") {
    return http::answer_problem(sink, 404, fmt::format("The server cannot be told {}.", path),
                                {.request = &head});
  }
  if (head.method != "POST")
    return http::answer_problem(sink, 405, "A backup is asked for by POST.",
                                {.request = &head, .allow = "POST"});
  std::string to = query_value(head.target, "to");
  if (!to.starts_with('/')) {
    return http::answer_problem(
        sink, 400, "Say where the backup goes: /backup?to=DIRECTORY, with its absolute path.");
  }
  start_backup(std::move(to), sink, slot);
}

void ControlRouter::refuse(http::ResponseSink& sink, int status, std::string_view detail) {
  http::answer_problem(sink, status, detail);
}

void ControlRouter::start_backup(std::string directory, http::ResponseSink& sink,
                                 AnswerSlot& slot) {
  auto waiting = std::make_shared<Waiting>(Waiting{.sink = &sink});
  slot.emplace<WaitingAnswer>(waiting);
  store_.backup(std::move(directory), [gate = gate_, waiting](Status done) {
    gate->post([waiting, done = std::move(done)] {
      if (http::ResponseSink* const to = std::exchange(waiting->sink, nullptr)) answer(*to, done);
    });
  });
}

std::string query_value(std::string_view target, std::string_view name) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {};
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.substr(0, part.find('=')) != name || part.size() == name.size()) continue;
    std::string value;
    for (std::string_view text = part.substr(name.size() + 1); !text.empty();) {
      unsigned char byte = 0;
      const bool escaped =
          text.size() >= 3 && text[0] == '%' &&
          std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3;
      value += escaped ? static_cast<char>(byte) : text[0];
      text.remove_prefix(escaped ? 3 : 1);
    }
    return value;
  }
  return {};
}

std::string query_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '_' || c == '.' || c == '~';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace durable_streams::server
