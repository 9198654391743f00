// Reads requests from the bytes of a connection. It wraps llhttp, which reads heads and is known
// nowhere else, and checks the framing that llhttp lets pass, so that no two HTTP implementations
// can disagree about where a request ends.
#pragma once

#include <durable_streams/http/message.h>

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "server/http/chunked_decoder.h"
#include "server/http/limits.h"

namespace durable_streams::server {

// Why a request cannot be read on. The connection is of no use afterwards.
struct Refusal {
  int status = 400;
  std::string_view detail;  // a literal
};

// Where a field stands in a head, relative to its first byte.
struct FieldPlace {
  std::uint32_t name = 0;
  std::uint32_t name_size = 0;
  std::uint32_t value = 0;  // 0: nothing of the value was seen
  std::uint32_t value_size = 0;
};

// A parsed head.
struct ParsedHead {
  std::string_view method;
  std::string_view target;
  std::span<const http::Header> headers;
  std::optional<std::uint64_t> content_length;  // absent: chunked, or no body
  bool chunked = false;
  bool http_1_1 = false;
  bool keep_alive = false;
  bool expects_continue = false;
};

// What parsers hand over, and room for the fields of one head: shared by all parsers of a loop,
// since it is used before the next of them runs.
struct ParserScratch {
  const char* fed = nullptr;    // what llhttp is reading
  std::uint32_t fed_place = 0;  // where in the head that stands
  std::vector<FieldPlace> places;
  std::vector<http::Header> headers;
  ParsedHead head;
  std::string_view piece;
  Refusal refusal;
};

// Parses in place: a head that lies whole in one read is never copied. What is kept between reads
// of a head that comes in pieces is freed when the head has been used. Threads: loop only.
class RequestParser {
 public:
  enum class Event : std::uint8_t {
    kNeedMore,  // all input was consumed
    kHead,      // head() holds the next request's
    kBody,  // body() holds the next piece; body_ended() tells whether it is the last, and it may be
            // empty
    kRefused,  // refusal() says why
  };

  RequestParser(const Limits& limits, ParserScratch& scratch)
      : limits_(limits), scratch_(scratch) {}
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Consumes bytes from the front of `input` up to the next event. Every request brings kHead, then
  // one kBody or more. Call it again, with whatever is left, until it returns kNeedMore.
  Event next(std::string_view& input);

  // What the last event brought; lives until next() is called for any parser of the loop.
  const ParsedHead& head() const { return scratch_.head; }
  std::string_view body() const { return scratch_.piece; }
  bool body_ended() const { return stage_ == Stage::kStart; }
  const Refusal& refusal() const { return scratch_.refusal; }

  // How many bytes of the chunk that has begun are still to come. Every size of a chunk that came
  // without any of its bytes brings a kBody, so that it can be judged before they come.
  std::uint64_t chunk_left() const { return stage_ == Stage::kChunked ? chunked_.chunk_left() : 0; }

  // Nothing of a next request has been read.
  bool between_requests() const { return stage_ == Stage::kStart; }
  bool in_head() const { return stage_ == Stage::kHead; }

  // The head that is being read, or was refused, is known to be a HEAD request's: its answer has no
  // body.
  bool reading_head_request() const {
    return in_head() && target_size_ > 0 && !unknown_method_ && llhttp_.method == HTTP_HEAD;
  }

 private:
  enum class Stage : std::uint8_t { kStart, kHead, kSized, kChunked };
  enum class Part : std::uint8_t { kNone, kName, kValue };

  // A head that did not come in one piece: its bytes so far.
  struct Spill {
    std::vector<char> bytes;
    std::vector<FieldPlace> places;
  };

  struct Callbacks;
  friend struct Callbacks;

  Event next_start(std::string_view& input);
  bool skip_empty_lines(std::string_view& input);
  Event next_head(std::string_view& input);
  Event next_kept_head(std::string_view& input);
  void keep(std::string_view piece);
  Event feed(const char* from, const char* end, const char*& stopped);
  llhttp_errno_t execute(const char* from, const char* to);
  bool refuses_method(llhttp_errno_t error) const;
  Event feed_unknown_method(const char* end, const char*& stopped);
  Event need_more_head(std::size_t size);
  Event finish_head(const char* end);
  bool read_request_line(const char* end, const char*& cursor);
  bool read_fields(const char* end, const char* cursor);
  bool check_framing(int hosts, int transfer_encodings);
  bool read_field(const FieldPlace& place, const char* end, const char*& cursor);
  bool read_transfer_encoding(std::string_view value);
  Event next_sized(std::string_view& input);
  Event next_chunked(std::string_view& input);
  Event give(std::string_view piece, bool last);
  Event explain(llhttp_errno_t error);
  Event refuse(int status, std::string_view detail);
  bool fail(int status, std::string_view detail);
  std::vector<FieldPlace>& places() { return spill_ ? spill_->places : scratch_.places; }

  const Limits& limits_;
  ParserScratch& scratch_;
  llhttp_t llhttp_{};
  const char* base_ = nullptr;  // the head's first byte, during next()
  std::unique_ptr<Spill> spill_;
  ChunkedDecoder chunked_;
  std::uint64_t body_left_ = 0;  // of a sized body
  std::uint32_t target_ = 0;
  std::uint32_t target_size_ = 0;
  Stage stage_ = Stage::kStart;
  Part part_ = Part::kNone;
  std::uint8_t empty_lines_ = 0;
  bool after_cr_ = false;
  bool unknown_method_ = false;
};

}  // namespace durable_streams::server
