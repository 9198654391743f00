// What chance does to writes that no sync covered.
#include "tests/support/simulated_content.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/support/surviving_changes.h"

namespace durable_streams {
namespace {

// What a disk writes as a whole, most of the time.
constexpr std::uint64_t kSectorBytes = 512;

}  // namespace

void SimulatedContent::apply(std::string& to, std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t end = offset + bytes.size();
  if (to.size() < end) to.resize(end, '\0');
  std::memcpy(to.data() + offset, bytes.data(), bytes.size());
}

void SimulatedContent::write(std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  apply(seen_, offset, bytes);
  unsynced_.push_back({.truncates = false, .offset = offset, .bytes = std::string(bytes)});
}

void SimulatedContent::truncate(std::uint64_t size) {
  seen_.resize(size, '\0');
  unsynced_.push_back({.truncates = true, .offset = size, .bytes = {}});
}

std::size_t SimulatedContent::read(std::uint64_t offset, char* out, std::size_t size) const {
  if (offset >= seen_.size()) return 0;
  const std::size_t count = std::min<std::uint64_t>(size, seen_.size() - offset);
  std::memcpy(out, seen_.data() + offset, count);
  return count;
}

void SimulatedContent::flip_bit(std::uint64_t offset, unsigned bit) {
  const auto flip = [&](std::string& bytes) {
    if (offset >= bytes.size()) return;
    bytes[offset] = static_cast<char>(static_cast<unsigned char>(bytes[offset]) ^ (1U << bit));
  };
  flip(seen_);
  flip(durable_);
}

void SimulatedContent::sync() {
  for (const Change& change : unsynced_) {
    if (change.truncates) {
      durable_.resize(change.offset, '\0');
    } else {
      apply(durable_, change.offset, change.bytes);
    }
  }
  unsynced_.clear();
}

void SimulatedContent::fail_sync(Random& random) {
  survive(random);
  if (!random.one_in(2)) return;
  const std::size_t size = seen_.size();
  seen_ = durable_;
  seen_.resize(size, '\0');
}

void SimulatedContent::crash(Random& random) {
  survive(random);
  seen_ = durable_;
}

void SimulatedContent::survive(Random& random) {
  SurvivingChanges survivors(unsynced_.size(), random);
  for (const Change& change : std::exchange(unsynced_, {})) {
    switch (survivors.next()) {
      case Survival::kWhole:
        if (change.truncates) {
          durable_.resize(change.offset, '\0');
        } else {
          apply(durable_, change.offset, change.bytes);
        }
        break;
      case Survival::kPart:
        survive_in_part(change, random);
        break;
      case Survival::kNone:
        break;
    }
  }
}

void SimulatedContent::survive_in_part(const Change& change, Random& random) {
  if (change.truncates) {
    if (random.one_in(2)) durable_.resize(change.offset, '\0');
    return;
  }
  const std::uint64_t end = change.offset + change.bytes.size();
  // Half of the time the first sectors are kept, as by a disk that writes in order, else any.
  const bool in_order = random.one_in(2);
  const std::uint64_t cut = change.offset + random.below(change.bytes.size() + 1);
  for (std::uint64_t at = change.offset; at < end;) {
    const std::uint64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
    const bool kept = in_order ? next <= cut : random.one_in(2);
    const bool torn = !kept && random.one_in(8);
    const std::uint64_t count = kept ? next - at : torn ? random.below(next - at) : 0;
    apply(durable_, at, std::string_view(change.bytes).substr(at - change.offset, count));
    at = next;
  }
  if (durable_.size() < end && random.one_in(2)) durable_.resize(end, '\0');
}

}  // namespace durable_streams
