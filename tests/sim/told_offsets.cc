// A digest stands for what lay before an offset. Every body is like no other, so two contents have
// two digests.
#include "tests/sim/told_offsets.h"

#include <functional>
#include <string_view>

namespace durable_streams {

std::size_t ToldOffsets::digest(const StoreModel::Stream& stream, std::uint64_t position) {
  return std::hash<std::string_view>()(std::string_view(stream.bytes).substr(0, position));
}

void ToldOffsets::tell(const StoreModel::Stream& stream, Offset offset) {
  const StreamRecord& record = stream.record;
  const std::size_t named = digest(stream, offset.position);
  const auto [known, is_new] = offsets_.try_emplace({record.id, offset});
  ToldOffset& told = known->second;
  if (!is_new) {
    violations_.check(!told.lost, "an offset that a crash took is told anew");
    return violations_.check(told.named == named, "an offset names two contents");
  }
  told.path = record.path;
  told.id = record.id;
  told.offset = offset;
  told.named = named;
  by_path_[record.path].push_back(&told);
}

void ToldOffsets::tell_tag(const std::string& tag, const std::string& body) {
  const auto [known, is_new] = tags_.emplace(tag, body);
  if (!is_new) violations_.check(known->second == body, "a tag names two contents");
}

void ToldOffsets::survived(const Ledger& ledger) {
  for (auto& [key, told] : offsets_) {
    if (told.lost) continue;
    const StoreModel::Stream* stream = ledger.stream(told.id);
    told.lost_whole = stream == nullptr;
    told.lost = told.lost_whole || told.offset.position > stream->bytes.size();
    if (!told.lost && told.offset.read_sequence > stream->record.tail.read_sequence)
      told.lost_change = true;
  }
}

const ToldOffset* ToldOffsets::pick(const std::string& path, Random& random) const {
  const auto told = by_path_.find(path);
  return told == by_path_.end() ? nullptr : told->second[random.below(told->second.size())];
}

bool ToldOffsets::may_read(const ToldOffset& told, const StoreModel::Stream& stream) {
  const std::uint64_t position = told.offset.position;
  const StreamRecord& record = stream.record;
  if (record.id == told.id) return !told.lost && digest(stream, position) == told.named;
  // What came to the path in order is another stream, and a fork has its source's offsets.
  const bool came_after_loss = told.lost_whole && record.id > told.id;
  const bool inherited = record.fork && position <= record.fork->position;
  return !came_after_loss || inherited || position == 0;
}

bool ToldOffsets::may_refuse(const ToldOffset& told, const StoreModel::Stream& stream) {
  return told.lost || told.lost_change || told.id != stream.record.id;
}

}  // namespace durable_streams
