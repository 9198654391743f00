// Tells HTTP/1.1 responses apart: status and length, and no more, so that a load generator that
// uses it costs less than the servers it measures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace durable_streams::bench {

enum class Parsed : std::uint8_t { kPartial, kComplete, kMalformed };

// Follows the responses of one connection. Threads: one at a time.
class ResponseParser {
 public:
  using BodySink = std::function<void(std::string_view)>;

  // From now on `sink` gets every body's bytes, chunking removed. Without one, bodies are only
  // counted.
  void set_body_sink(BodySink sink) { sink_ = std::move(sink); }

  // From now on the text of each head is kept for head().
  void keep_heads() { keep_heads_ = true; }

  // Takes bytes from the front of `bytes`, up to the end of a response at most. After kComplete the
  // next call begins the next response; after kMalformed there is none.
  Parsed parse(std::string_view& bytes);

  // How many of the next bytes are body that nobody wants, so that they need not even be copied out
  // of the socket; skip() then says how many were passed over, and whether the response is
  // complete.
  std::uint64_t skippable() const { return state_ == State::kSized && !sink_ ? left_ : 0; }
  Parsed skip(std::uint64_t bytes);

  // Of the response that is complete or whose body is under way.
  int status() const { return status_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  const std::string& head() const { return kept_head_; }
  bool in_body() const { return state_ != State::kHead; }

 private:
  enum class State : std::uint8_t {
    kHead,
    kSized,
    kChunkSize,
    kChunk,
    kChunkEnd,
    kTrailer,
    kUntilClose
  };

  Parsed take_head(std::string_view& bytes);
  bool read_head(std::string_view head);
  void read_field(std::string_view line);
  void take_left(std::string_view& bytes);
  Parsed gather_line(std::string_view& bytes);
  Parsed take_sized(std::string_view& bytes);
  Parsed take_chunk_size(std::string_view& bytes);
  Parsed take_chunk(std::string_view& bytes);
  Parsed take_line(std::string_view& bytes);
  void deliver(std::string_view body);

  State state_ = State::kHead;
  bool chunked_ = false;
  bool sized_ = false;
  bool keep_heads_ = false;
  int status_ = 0;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::uint64_t body_bytes_ = 0;
  std::string part_;  // a head or line whose end is still to come
  std::string kept_head_;
  BodySink sink_;
};

// The value of field `name` in a head's text, trimmed; empty when there is none. Names compare
// without case.
std::string_view field_of(std::string_view head, std::string_view name);

}  // namespace durable_streams::bench
