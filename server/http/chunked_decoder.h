// Finds a body in the chunked transfer coding (RFC 9112 section 7.1): the whole grammar and nothing
// beside it, for a line that two implementations end in different places is how requests are
// smuggled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace durable_streams::server {

// Chunk extensions and trailers are checked and dropped. Threads: loop only.
class ChunkedDecoder {
 public:
  enum class Outcome : std::uint8_t {
    kMore,       // all input was consumed
    kPiece,      // stopped before the next chunk's bytes
    kEnd,        // the body has ended
    kMalformed,  // fault() says how
    kTooLarge,   // more framing than the body's size justifies
  };

  // Begins a body. Extensions and trailers may take `framing_bytes_max`.
  void begin(std::size_t framing_bytes_max);

  // Consumes bytes from the front of `input`. `piece` becomes the bytes of the body that were among
  // them, possibly none.
  Outcome next(std::string_view& input, std::string_view& piece);

  // Of the chunk that has begun, how many bytes are still to come.
  std::uint64_t chunk_left() const { return state_ == State::kData ? left_ : 0; }

  std::string_view fault() const;  // a literal

 private:
  enum class State : std::uint8_t {
    kSizeStart,
    kSize,
    kExtensionStart,
    kExtensionName,
    kAfterName,
    kValueStart,
    kValue,
    kQuoted,
    kQuotedPair,
    kAfterQuoted,
    kAfterExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kEnd,
  };

  void take_data(std::string_view& input, std::string_view& piece);
  // Each takes one byte of framing; false: it may not stand there.
  bool step(char c);
  bool step_size(char c);
  bool step_extension(char c);
  bool step_value(char c);
  bool step_trailer(char c);
  bool step_trailer_name(char c);
  bool end_extension(char c);
  bool go_on(bool allowed, State next);

  std::uint64_t left_ = 0;          // of the chunk
  std::uint64_t framing_room_ = 0;  // how many bytes of framing may still come
  std::uint8_t name_size_ = 0;      // of the trailer's name, as far as it may matter
  std::uint8_t names_possible_ = 0;
  State state_ = State::kEnd;
};

}  // namespace durable_streams::server
