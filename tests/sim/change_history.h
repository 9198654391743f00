// All that a store was given and what it said of it: the oracle of the simulation. What was
// acknowledged is in the ledger; what was not, but may have reached the disk, and what was, but may
// not have reached it, waits for a recovery to tell.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/owned_change.h"
#include "tests/sim/violations.h"

namespace durable_streams {

// Threads: one at a time.
class ChangeHistory {
 public:
  using KeptChange = std::shared_ptr<const OwnedChange>;

  ChangeHistory(const Clock& clock, Violations& violations)
      : clock_(clock), violations_(violations) {}

  // The ticket of the next change that is taken.
  Ticket next_ticket() const { return last_ticket_ + 1; }
  void submitted(const Change& change);
  // `for_good`: the store takes nothing more until it is opened again.
  void told(Ticket ticket, const Status& status, bool for_good);
  // The store did not take a change.
  void not_taken(const Change& change);

  // What has been committed, in order of submission.
  const Ledger& ledger() const { return ledger_; }
  const StoreModel& model() const { return ledger_.model(); }
  std::uint64_t committed() const { return committed_.size(); }
  // All after the first `count` that were committed, refused or are in flight.
  std::vector<KeptChange> since(std::uint64_t count) const;

  // The first `count` of what was committed are on the disk.
  void kept(std::uint64_t count);
  // What has not been told never will be. With `loses` what was committed and is not kept may be
  // gone.
  void crashed(bool loses);
  // The store goes on from a copy of some time: `ledger` has the first `count` changes, `later`
  // are those after them that the copy may have.
  void restored(Ledger ledger, std::uint64_t count, std::vector<KeptChange> later);

  // Changes that may or may not have happened, oldest first.
  std::size_t undecided() const { return undecided_.size(); }
  // The oldest undecided one has happened.
  void decide_next();
  // None of them has.
  void drop_undecided();
  // Of what was acknowledged.
  std::uint64_t lost() const { return lost_; }

  std::uint64_t refused() const { return refused_; }
  // Whether a slid deadline may have been among what was refused since the last crash.
  bool deadline_lost() const { return deadline_lost_; }

  // A stream was used by then, so that its TTL begins anew.
  void touched(StreamId id, WallTime at);
  // Every stream's TTL begins anew.
  void all_touched(WallTime at) { all_touched_ = at; }
  WallTime all_touched() const { return all_touched_; }
  // Whether a stream may be treated as expired.
  bool may_be_expired(StreamId id) const;

 private:
  struct Waiting {
    Ticket ticket = 0;
    KeptChange change;
  };
  struct Undecided {
    KeptChange change;
    bool acknowledged = false;
  };
  struct Birth {
    Expiry expiry;
    WallTime touched;
  };

  void commit(KeptChange change);

  const Clock& clock_;
  Violations& violations_;
  Ledger ledger_;
  std::vector<KeptChange> committed_;
  std::uint64_t kept_ = 0;  // of those, the first ones that no crash takes
  Ledger kept_ledger_;  // with the first `kept_ledger_changes_` of them, none of which is undone
  std::uint64_t kept_ledger_changes_ = 0;
  std::map<StreamId, Birth> births_;  // of committed streams and of others
  std::deque<Waiting> in_flight_;
  std::deque<Undecided> undecided_;
  Ticket last_ticket_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t lost_ = 0;
  bool deadline_lost_ = false;
  WallTime all_touched_{};
};

}  // namespace durable_streams
