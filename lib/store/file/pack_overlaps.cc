#include "store/file/pack_overlaps.h"

#include <algorithm>
#include <memory>

#include "store/file/pack.h"

namespace durable_streams {

namespace {

constexpr std::uint64_t kComparedBytes = std::uint64_t{1} << 20;

// The bytes [from, to) of an extent, in one piece.
Result<std::string> read_bytes(Pack& pack, StreamId id, const Extent& extent, std::uint64_t from,
                               std::uint64_t to) {
  std::vector<Slice> slices;
  const Status read = *pack.read(Pack::Wait::kYes, id, extent, from, to, slices);
  if (!read) return read.error();
  std::string bytes;
  for (const Slice& slice : slices) bytes += slice.view();
  return bytes;
}

}  // namespace

Result<bool> holds_the_same(FileSystem& files, const std::string& directory, std::uint64_t store_id,
                            const PackOverlap& overlap) {
  const auto open = [&](const Extent& extent) {
    return Pack::open(files, {.directory = directory, .id = extent.pack, .store_id = store_id});
  };
  const Result<std::unique_ptr<Pack>> one = open(overlap.one);
  if (!one) return one.error();
  const Result<std::unique_ptr<Pack>> other = open(overlap.other);
  if (!other) return other.error();
  const std::uint64_t end = std::min(overlap.one.to, overlap.other.to);
  for (std::uint64_t from = std::max(overlap.one.from, overlap.other.from); from < end;) {
    const std::uint64_t to = std::min(end, from + kComparedBytes);
    const Result<std::string> in_one = read_bytes(**one, overlap.id, overlap.one, from, to);
    if (!in_one) return in_one.error();
    const Result<std::string> in_other = read_bytes(**other, overlap.id, overlap.other, from, to);
    if (!in_other) return in_other.error();
    if (*in_one != *in_other) return false;
    from = to;
  }
  return true;
}

}  // namespace durable_streams
