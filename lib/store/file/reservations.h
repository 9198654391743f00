// What streams and paths will be once all that is in flight has committed: what the next change is
// checked against.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/file/stream_shape.h"

namespace durable_streams {

// Streams and paths with changes in flight, and what was found out about streams that had one
// lately. Threads: one at a time.
class Reservations {
 public:
  // Finds what is committed. Wanted only where nothing is in flight.
  struct Committed {
    Function<Result<StreamShape>(StreamId)> stream;
    Function<Result<StreamId>(std::string_view)> path;  // 0: no stream is there
    Function<Result<std::string>(StreamId)> path_of;
  };

  // What a number of changes reserved, to be given back when they have committed.
  class Keys {
   public:
    void clear() {
      streams_.clear();
      paths_.clear();
    }

   private:
    friend class Reservations;
    std::vector<StreamId> streams_;
    std::vector<std::string> paths_;
  };

  explicit Reservations(Committed committed) : committed_(std::move(committed)) {}

  // Checks the change's condition and reserves what it will leave; `keys` grows by what that was.
  // After an error nothing is reserved.
  Status reserve(const Change& change, Keys& keys);

  // The changes that reserved these have committed.
  void give_back(const Keys& keys);

  // None of what is in flight will commit.
  void clear();

 private:
  // A stream with nothing in flight is as it was committed, so it may stay: the next change need
  // not ask for it.
  struct Stream {
    StreamShape shape;
    std::size_t in_flight = 0;
    std::string path;  // empty: ask Committed
  };
  struct Path {
    StreamId id = 0;
    std::size_t in_flight = 0;
  };
  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
      return std::hash<std::string_view>()(path);
    }
  };

  Status reserve(const CreateChange& change, Keys& keys);
  Status reserve(const AppendChange& change, Keys& keys);
  Status reserve(const RemoveChange& change, Keys& keys);
  Status reserve(const ReleaseChange& change, Keys& keys);
  Status reserve(const DeadlineChange& change, Keys& keys);

  Result<StreamShape> shape_of_stream(StreamId id);
  Result<std::string> path_of(StreamId id);
  Stream& hold(StreamId id, const StreamShape& shape, Keys& keys);
  void hold_path(std::string_view path, StreamId id, Keys& keys);
  Status reserve_removal(StreamId id, std::uint64_t version, std::uint32_t forks_left, Keys& keys);
  void forget_idle_streams();

  // How many idle streams may stay: a mebibyte of them.
  static constexpr std::size_t kIdleStreamsMax = 8192;

  Committed committed_;
  std::unordered_map<StreamId, Stream> streams_;
  std::size_t idle_streams_ = 0;
  std::unordered_map<std::string, Path, PathHash, std::equal_to<>> paths_;
};

}  // namespace durable_streams
