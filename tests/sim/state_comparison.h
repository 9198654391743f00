// Holds all that a file store would answer against a model of what it should hold.
#pragma once

#include <durable_streams/clock.h>

#include <string>

#include "store/file/file_state.h"
#include "tests/store/store_model.h"
#include "tests/support/seed.h"

namespace durable_streams {

// Borrows all that it is given. Threads: one at a time.
class StateComparison {
 public:
  // Every sliding deadline lies at least a TTL behind `all_touched`.
  StateComparison(FileState& state, const StoreModel& model, Random& random, WallTime now,
                  WallTime all_touched)
      : state_(state), model_(model), random_(random), now_(now), all_touched_(all_touched) {}

  // Empty, or what is the first difference. What pages are looked at is up to chance.
  std::string difference() const;

 private:
  std::string difference_at(const std::string& path) const;
  std::string difference_in_producers(const StoreModel::Stream& expected) const;
  std::string difference_in_bytes(const StoreModel::Stream& expected) const;
  std::string difference_in_totals() const;
  std::string difference_in_deadlines() const;
  std::string difference_in_due(WallTime moment) const;
  WallTime deadline_of(const StoreModel::Stream& stream) const;

  FileState& state_;
  const StoreModel& model_;
  Random& random_;
  const WallTime now_;
  const WallTime all_touched_;
};

}  // namespace durable_streams
