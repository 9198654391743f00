// A change as bytes: one record of the journal holds all that the change decides, so that nothing
// of it can be kept without the rest (docs/disk-format.md, "Journal records").
#pragma once

#include <durable_streams/store.h>

#include <string>
#include <string_view>

namespace durable_streams {

// Appends the record of `change` to `out`, all but the stream's bytes: those are its last field,
// and follow it in the journal. Returns them, for the caller to put there.
std::string_view encode_change(const Change& change, std::string& out);

// A change that owns its record; `change` refers to it and to the bytes it was decoded from. Reused
// from one to the next.
struct DecodedChange {
  DecodedChange() = default;
  DecodedChange(const DecodedChange&) = delete;
  DecodedChange& operator=(const DecodedChange&) = delete;

  StreamRecord record;
  Change change = DeadlineChange{};
};

// False: the bytes are no record.
bool decode_change(std::string_view bytes, DecodedChange& out);

}  // namespace durable_streams
