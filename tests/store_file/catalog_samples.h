// What the catalog's tests put into it.
#pragma once

#include <durable_streams/store.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "store/file/catalog.h"
#include "store/file/record_codec.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {

inline WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

inline SettledStream sample_stream(StreamId id, std::string path, Lsn lsn = 1) {
  SettledStream stream;
  stream.lsn = lsn;
  stream.record.id = id;
  stream.record.path = std::move(path);
  stream.record.content_type = "text/plain";
  stream.record.version = 1;
  return stream;
}

// As bytes, for comparison: a record has no operator of its own.
inline std::string bytes_of(const SettledStream& stream) {
  std::string bytes = std::to_string(stream.lsn) + ' ';
  encode_record(stream.record, bytes);
  return bytes;
}

inline bool same(const SettledStream& a, const SettledStream& b) {
  return bytes_of(a) == bytes_of(b);
}

inline void must(const Status& status) {
  INFO((status ? std::string() : status.error().message));
  REQUIRE(status.ok());
}

template <class T>
T must(Result<T> result) {
  INFO((result ? std::string() : result.error().message));
  REQUIRE(result.ok());
  return std::move(result).value();
}

}  // namespace durable_streams
