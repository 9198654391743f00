// All that a store was given and what it said of it: the oracle of the simulation. What was
// acknowledged is in the model; what was not, but may have reached the disk, waits for a recovery
// to tell.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/store.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/owned_change.h"
#include "tests/sim/violations.h"
#include "tests/store/store_model.h"

namespace durable_streams {

// Holds each change against the protocol's rules when it is committed, whoever decided it.
// Threads: one at a time.
class ChangeHistory {
 public:
  ChangeHistory(const Clock& clock, Violations& violations)
      : clock_(clock), violations_(violations) {}

  // The ticket of the next change that is taken.
  Ticket next_ticket() const { return last_ticket_ + 1; }
  void submitted(const Change& change);
  // `for_good`: the store takes nothing more until it is opened again.
  void told(Ticket ticket, const Status& status, bool for_good);
  // The store did not take a change.
  void not_taken(const Change& change);
  // What has not been told never will be.
  void crashed();

  const StoreModel& model() const { return model_; }
  std::uint64_t refused() const { return refused_; }
  // Whether a slid deadline may have been among what was refused since the last crash.
  bool deadline_lost() const { return deadline_lost_; }
  // Changes that may or may not have happened, oldest first.
  std::size_t undecided() const { return undecided_.size(); }
  // The oldest undecided one has happened.
  void decide_next();
  // None of them has.
  void drop_undecided() { undecided_.clear(); }

  // How many releases each source is owed by forks that are gone.
  const std::map<StreamId, int>& owed() const { return owed_; }

  // What a path has held since some moment, oldest first.
  struct Holding {
    StreamId id = 0;  // 0: nothing
    bool soft_deleted = false;
  };
  std::uint64_t moment() const { return moment_; }
  std::vector<Holding> held_since(const std::string& path, std::uint64_t moment) const;
  // Also one that is gone, as it was at its end; null: never committed.
  const StoreModel::Stream* stream(StreamId id) const;

  // How often these bytes were appended to the stream, and where the tail was then.
  struct Appearance {
    int count = 0;
    Offset tail;
    bool closed = false;
  };
  const Appearance* find_append(StreamId id, const std::string& bytes) const;

  // A stream was used by then, so that its TTL begins anew.
  void touched(StreamId id, WallTime at);
  // Every stream's TTL begins anew.
  void all_touched(WallTime at) { all_touched_ = at; }
  WallTime all_touched() const { return all_touched_; }
  // Whether a stream may be treated as expired.
  bool may_be_expired(StreamId id) const;
  const std::string& path_of(StreamId id) const { return births_.at(id).path; }

 private:
  struct Waiting {
    Ticket ticket = 0;
    std::unique_ptr<OwnedChange> change;
  };
  struct Birth {
    std::string path;
    Expiry expiry;
    WallTime touched;
  };
  struct Event {
    std::uint64_t moment = 0;
    Holding holding;
  };

  void commit(const Change& change);
  std::string fault_of(const CreateChange& change) const;
  std::string fault_of(const AppendChange& change) const;
  std::string fault_of(const RemoveChange& change) const;
  std::string fault_of(const ReleaseChange& change) const;
  std::string fault_of(const DeadlineChange&) const { return {}; }
  void note_before(const Change& change);
  void note_after(const Change& change);
  void bury(StreamId id);
  void note_path(const std::string& path, Holding holding);

  const Clock& clock_;
  Violations& violations_;
  StoreModel model_;
  std::map<StreamId, StoreModel::Stream> gone_;
  std::map<StreamId, int> owed_;
  std::map<StreamId, Birth> births_;  // of committed streams and of others
  std::map<std::string, std::vector<Event>> paths_;
  std::map<std::pair<StreamId, std::string>, Appearance> appends_;
  std::deque<Waiting> in_flight_;
  std::deque<Waiting> undecided_;
  Ticket last_ticket_ = 0;
  std::uint64_t refused_ = 0;
  bool deadline_lost_ = false;
  std::uint64_t moment_ = 0;
  WallTime all_touched_{};
};

}  // namespace durable_streams
