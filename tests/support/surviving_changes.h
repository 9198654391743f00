// Which of a sequence of unsynced changes a simulated crash spares.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/support/seed.h"

namespace durable_streams {

enum class Survival : std::uint8_t { kNone, kPart, kWhole };

// Deals out the fates of `count` changes, in order. One crash in eight spares all, one none; one in
// four the first ones, the next in part, and no more; else each is on its own, so that a later one
// may survive an earlier. Threads: one at a time.
class SurvivingChanges {
 public:
  SurvivingChanges(std::size_t count, Random& random) : random_(random) {
    const std::uint64_t draw = random.below(8);
    if (draw < 2) {
      kept_ = draw == 0 ? count : 0;
      part_ = count;
    } else if (draw < 4) {
      kept_ = random.below(count + 1);
      part_ = kept_;
    } else {
      one_by_one_ = true;
    }
  }

  Survival next() {
    if (one_by_one_) return static_cast<Survival>(random_.below(3));
    const std::size_t at = at_++;
    if (at < kept_) return Survival::kWhole;
    return at == part_ ? Survival::kPart : Survival::kNone;
  }

 private:
  Random& random_;
  bool one_by_one_ = false;
  std::size_t at_ = 0;
  std::size_t kept_ = 0;
  std::size_t part_ = 0;
};

}  // namespace durable_streams
