// The query of a read: where it starts and how it waits (protocol sections 5.6 to 5.8 and 8).
#pragma once

#include <durable_streams/offset.h>
#include <durable_streams/result.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace durable_streams::protocol {

// One parameter, not decoded. A parameter without '=' has an empty value.
struct QueryParameter {
  std::string_view name;
  std::string_view value;
};

// Walks over the parameters of a query; empty ones (`&&`) are passed over. The views point into the
// query. Threads: one at a time.
class QueryParameters {
 public:
  explicit QueryParameters(std::string_view query) : rest_(query) {}

  // Fills `out` with the next parameter, or gives false at the end.
  bool next(QueryParameter& out);

 private:
  std::string_view rest_;
};

enum class LiveMode : std::uint8_t { kNone, kLongPoll, kSse };

struct ReadQuery {
  enum class From : std::uint8_t {
    kUnset,   // no offset given: as kStart, but a live read needs one
    kStart,   // `-1`
    kNow,     // `now`: the tail as it is when the request is handled
    kOffset,  // `offset`
  };
  From from = From::kUnset;
  Offset offset;  // kOffset only
  LiveMode live = LiveMode::kNone;
  std::optional<std::uint64_t> cursor;  // what parse_cursor() made of it
};

// Reads a read's query. Names and values are percent-decoded; '+' stands for itself. Other
// parameters are ignored. kInvalidArgument for: an offset that is empty or malformed; an unknown
// live mode; offset, live or cursor given twice; a live mode without an offset.
Result<ReadQuery> parse_read_query(std::string_view query);

}  // namespace durable_streams::protocol
