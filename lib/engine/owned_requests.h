// Requests that outlive the call that brought them: what is kept of an operation that must be
// started again.
#pragma once

#include <durable_streams/slice.h>
#include <durable_streams/streams.h>

#include <optional>
#include <string>
#include <string_view>

#include "engine/operations.h"

namespace durable_streams {

// A share in a body: the given one, or a copy.
inline Slice owned_body(std::string_view body, const Slice& owned) {
  return owned.data() == body.data() && owned.size() == body.size() ? owned : Slice::copy_of(body);
}

// Threads: one at a time, as all below.
class OwnedAppend {
 public:
  explicit OwnedAppend(const AppendRequest& request)
      : path_(request.path),
        content_type_(request.options.content_type),
        producer_id_(request.options.producer.id),
        stream_seq_(request.options.stream_seq),
        body_(owned_body(request.body, request.owned_body)),
        original_(request) {}

  // Lives as long as this.
  AppendRequest request() const {
    AppendRequest request = original_;
    request.path = path_;
    request.body = body_.view();
    request.owned_body = body_;
    request.options.content_type = content_type_;
    request.options.producer.id = producer_id_;
    request.options.stream_seq = stream_seq_;
    return request;
  }

 private:
  std::string path_;
  std::string content_type_;
  std::string producer_id_;
  std::string stream_seq_;
  Slice body_;
  AppendRequest original_;  // for what is no view
};

class OwnedCreate {
 public:
  OwnedCreate(std::string_view path, const CreateOptions& options, const Slice& body)
      : path_(path),
        content_type_(options.content_type),
        source_(options.fork ? options.fork->path : std::string_view()),
        body_(owned_body(options.body, body)),
        original_(options) {}

  const std::string& path() const { return path_; }
  const Slice& body() const { return body_; }

  // Lives as long as this.
  CreateOptions options() const {
    CreateOptions options = original_;
    options.content_type = content_type_;
    options.body = body_.view();
    if (options.fork) options.fork->path = source_;
    return options;
  }

 private:
  std::string path_;
  std::string content_type_;
  std::string source_;
  Slice body_;
  CreateOptions original_;
};

class OwnedRead {
 public:
  explicit OwnedRead(const ReadRequest& request) : path_(request.path), original_(request) {}

  // Lives as long as this.
  ReadRequest request() const {
    ReadRequest request = original_;
    request.path = path_;
    return request;
  }

 private:
  std::string path_;
  ReadRequest original_;
};

}  // namespace durable_streams
