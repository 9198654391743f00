// A store that cannot be wrong for being clever: what random tests hold others against.
#pragma once

#include <durable_streams/store.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams {

// Each stream holds all of its bytes, inherited ones too. Threads: one at a time.
class StoreModel {
 public:
  struct Stream {
    StreamRecord record;
    std::string bytes;
    std::vector<std::uint64_t> append_ends;
    std::map<std::string, ProducerState, std::less<>> producers;
  };

  // Takes the change if its condition holds.
  bool apply(const Change& change);

  const std::map<StreamId, Stream>& streams() const { return streams_; }
  const Stream* find(StreamId id) const;
  const Stream* find(std::string_view path) const;

  // The bytes that a read of the range must give.
  std::string page(const ReadRange& range) const;
  std::uint64_t append_end(StreamId id, std::uint64_t position) const;

  std::uint64_t stored_bytes() const;
  std::uint64_t producers() const;
  WallTime earliest_deadline() const;
  // The deadlines of all streams that are due, in order.
  std::vector<WallTime> due(WallTime now) const;

 private:
  bool apply_one(const CreateChange& change);
  bool apply_one(const AppendChange& change);
  bool apply_one(const RemoveChange& change);
  bool apply_one(const ReleaseChange& change);
  bool apply_one(const DeadlineChange& change);
  Stream* at_version(StreamId id, std::uint64_t version);

  std::map<StreamId, Stream> streams_;
};

}  // namespace durable_streams
