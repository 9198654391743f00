// The seam between a connection and what answers its requests: the endpoint in the server, a script
// in tests.
#pragma once

#include <durable_streams/http/message.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "server/log/access_log.h"

namespace durable_streams::server {

// One request being answered; what a connection needs of an http::Exchange, under the same
// contract. Destroying it before its response has finished abandons the request. Threads: loop
// only.
class Answer {
 public:
  virtual ~Answer() = default;

  virtual bool wants_body() const = 0;
  virtual void body(std::string_view piece, bool last) = 0;
  virtual void announce(std::uint64_t bytes) = 0;
  virtual void writable() = 0;
  virtual void probe() = 0;
};

// Holds the one Answer of a connection inside the connection, so that a request allocates nothing
// for it, and what is to be logged of the request, if anything is. Threads: loop only.
class AnswerSlot {
 public:
  static constexpr std::size_t kBytes = 4 * sizeof(void*);

  AnswerSlot() = default;
  ~AnswerSlot() { reset(); }
  AnswerSlot(const AnswerSlot&) = delete;
  AnswerSlot& operator=(const AnswerSlot&) = delete;

  template <class T, class... Args>
  T& emplace(Args&&... args) {
    static_assert(std::is_base_of_v<Answer, T> && sizeof(T) <= kBytes &&
                  alignof(T) <= alignof(std::max_align_t));
    reset();
    T* answer = ::new (static_cast<void*>(storage_)) T(std::forward<Args>(args)...);
    answer_ = answer;
    return *answer;
  }

  void reset() {
    if (answer_ != nullptr) std::exchange(answer_, nullptr)->~Answer();
  }

  explicit operator bool() const { return answer_ != nullptr; }
  Answer* operator->() const { return answer_; }

  // Has the request logged, and its answer carry its id. To be called before anything is answered;
  // null changes nothing. The connection takes it when the request is over.
  void log(std::unique_ptr<AccessRecord> record) {
    if (record) record_ = std::move(record);
  }
  std::unique_ptr<AccessRecord>& record() { return record_; }

 private:
  alignas(std::max_align_t) std::byte storage_[kBytes];
  Answer* answer_ = nullptr;
  std::unique_ptr<AccessRecord> record_;
};

// Answers the requests of one loop's connections. Outlives them. Threads: loop only.
class Handler {
 public:
  virtual ~Handler() = default;

  // Begins to answer a request; may answer at once, and may then leave `slot` empty.
  virtual void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) = 0;

  // Answers what never became a request, at once: malformed, too large or too slow.
  virtual void refuse(http::ResponseSink& sink, int status, std::string_view detail) = 0;
};

}  // namespace durable_streams::server
