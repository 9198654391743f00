// All that has been committed up to some change, and what answers may still speak of that is gone
// since: each change is held against the protocol's rules, whoever decided it.
#pragma once

#include <durable_streams/store.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/store/store_model.h"

namespace durable_streams {

// A copy is what was committed then. Threads: one at a time.
class Ledger {
 public:
  // Empty, or how the change breaks the rules; it is taken all the same.
  std::string commit(const Change& change);

  const StoreModel& model() const { return model_; }
  // Also one that is gone, as it was at its end; null: never committed.
  const StoreModel::Stream* stream(StreamId id) const;

  // How many releases each source is owed by forks that are gone.
  const std::map<StreamId, int>& owed() const { return owed_; }

  // What a path has held since some moment, oldest first.
  struct Holding {
    StreamId id = 0;  // 0: nothing
    bool soft_deleted = false;
  };
  std::uint64_t moment() const { return moment_; }
  std::vector<Holding> held_since(const std::string& path, std::uint64_t moment) const;

  // How often these bytes were appended to the stream, and where the tail was then.
  struct Appearance {
    int count = 0;
    Offset tail;
    bool closed = false;
  };
  const Appearance* find_append(StreamId id, const std::string& bytes) const;

 private:
  struct Event {
    std::uint64_t moment = 0;
    Holding holding;
  };

  std::string fault_of(const CreateChange& change) const;
  std::string fault_of(const AppendChange& change) const;
  std::string fault_of(const RemoveChange& change) const;
  std::string fault_of(const ReleaseChange& change) const;
  std::string fault_of(const DeadlineChange&) const { return {}; }
  void note_before(const Change& change);
  void note_after(const Change& change);
  void bury(StreamId id);
  void note_path(const std::string& path, Holding holding);

  StoreModel model_;
  std::map<StreamId, StoreModel::Stream> gone_;
  std::map<StreamId, int> owed_;
  std::map<std::string, std::vector<Event>> paths_;
  std::map<std::pair<StreamId, std::string>, Appearance> appends_;
  std::uint64_t moment_ = 0;
};

}  // namespace durable_streams
