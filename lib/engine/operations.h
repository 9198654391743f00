// The operations as the endpoint and the public handle start them: each answers at once where it
// can, without allocating, and by a completion where it must wait.
#pragma once

#include <durable_streams/result.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/media_type.h"

namespace durable_streams {

// The result, if it is known at once; nullopt: the completion that was passed is called later, on
// the handle's loop.
template <class T>
using AtOnce = std::optional<Result<T>>;

// What an answer tells of a stream; like StreamInfo, but sharing its content type.
struct StreamView {
  StreamId id = 0;
  std::shared_ptr<const MediaType> media_type;
  Offset tail;
  std::shared_ptr<const SequenceStarts> sequences = {};  // null: none
  bool closed = false;
  Expiry expiry;
  WallTime deadline = kNever;  // at the earliest: a TTL that is held counts as beginning now
};

// How an operation ended, as far as its stream's TTL is concerned.
enum class Outcome : std::uint8_t { kAccepted, kRefused };

// Whether long work may be done in slices, between which the loop serves others.
enum class Pace : std::uint8_t { kInSlices, kInOneGo };

struct CreateAnswer {
  bool existed = false;
  StreamView stream;
};

struct AppendRequest {
  std::string_view path;
  std::string_view body;
  Slice owned_body;  // when it holds the body, a store may keep it instead of copying
  AppendOptions options;
  bool content_type_required =
      false;  // HTTP: a body without a content type is refused, after the stream was found open
};

struct ReadAnswer {
  StreamView stream;
  Page page;
};

struct ReadRequest {
  std::string_view path;
  Offset from;
  bool from_now = false;      // the sentinel `now`: from the tail
  std::size_t bytes_max = 0;  // 0: the engine's page size
};

}  // namespace durable_streams
