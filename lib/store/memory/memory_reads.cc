// How the memory store answers: records, and bytes stitched together over a fork's ancestors
// without copying.
#include <algorithm>
#include <utility>

#include "base/page_merge.h"
#include "store/bytes/page_cut.h"
#include "store/bytes/refusals.h"
#include "store/bytes/used_producers.h"
#include "store/memory/memory_store_impl.h"

namespace durable_streams {

Result<bool> MemoryStore::Impl::load(std::string_view path, StreamRecord& out) {
  const std::uint32_t hash = hash_of(path);
  PathShard& paths = path_shard(hash);
  const MutexLock path_lock(paths.mutex);
  MemoryStream* const stream = paths.streams.find(
      path_bucket(hash), [&](const MemoryStream& each) { return each.path() == path; });
  if (stream == nullptr) return false;
  const MutexLock lock(id_shard(stream->id).mutex);
  stream->to_record(out);
  return true;
}

StreamList MemoryStore::Impl::list(const ListRange& range) {
  PageMerge<MemoryStream*> page(std::clamp<std::size_t>(range.count_max, 1, kListCountMax));
  StreamList list;
  PathShard& paths = path_shards_[range.part % kShards];
  const MutexLock path_lock(paths.mutex);
  paths.streams.for_each([&](const MemoryStream& each) {
    const std::string_view path = each.path();
    if (!path.starts_with(range.prefix) || path <= range.after) return;
    page.add(path, const_cast<MemoryStream*>(&each));
  });
  list.next = page.finish();
  for (const auto& [path, stream] : page.entries()) {
    const MutexLock lock(id_shard(stream->id).mutex);
    if (!stream->soft_deleted) stream->to_record(list.streams.emplace_back());
  }
  return list;
}

Result<bool> MemoryStore::Impl::load_producer(StreamId id, std::string_view producer_id,
                                              ProducerState& out) {
  IdShard& shard = id_shard(id);
  const MutexLock lock(shard.mutex);
  const MemoryStream* const stream = shard.find(id);
  if (stream == nullptr) return false;
  const ProducerState* const state = stream->find_producer(hash_key_, producer_id);
  if (state == nullptr) return false;
  out = *state;
  return true;
}

std::vector<UsedProducer> MemoryStore::Impl::oldest_producers(StreamId id, std::size_t count_max) {
  std::vector<UsedProducer> producers;
  {
    IdShard& shard = id_shard(id);
    const MutexLock lock(shard.mutex);
    if (const MemoryStream* const stream = shard.find(id)) producers = stream->all_producers();
  }
  keep_oldest(producers, count_max);
  return producers;
}

Status MemoryStore::Impl::read(const ReadRange& range, StoredBytes& out) {
  out.slices.clear();
  out.end = range.from;
  if (range.from > range.to) return outside_stream();
  const std::uint64_t limit =
      range.from + std::min<std::uint64_t>(range.bytes_max, range.to - range.from);
  Framing framing = Framing::kBytes;
  bool inherited = false;
  {
    IdShard& shard = id_shard(range.id);
    const MutexLock lock(shard.mutex);
    const MemoryStream* const stream = shard.find(range.id);
    if (stream == nullptr) return gone_from_store();
    if (range.to > stream->chunks.end()) return outside_stream();
    framing = stream->framing;
    inherited = range.from < stream->own_begin();
    if (!inherited) {
      std::uint64_t end = limit;
      if (framing == Framing::kBytes && limit < range.to) {
        end = stream->chunks.last_append_end(range.from, limit).value_or(limit);
      }
      stream->chunks.slice(range.from, end, out.slices);
      out.end = end;
    }
  }
  if (inherited) {
    const bool cut = framing == Framing::kBytes && limit < range.to;
    if (Status gathered = gather(range.id, range.from, limit, cut, out); !gathered) return gathered;
  }
  if (framing == Framing::kJson && out.end < range.to) return cut_at_message(range, out);
  return {};
}

Status MemoryStore::Impl::gather(StreamId id, std::uint64_t from, std::uint64_t to,
                                 bool cut_at_append, StoredBytes& out) {
  Result<std::vector<Segment>> parts = segments(id, from, to);
  if (!parts) return parts.error();
  for (const Segment& part : *parts) {
    IdShard& shard = id_shard(part.id);
    const MutexLock lock(shard.mutex);
    const MemoryStream* const stream = shard.find(part.id);
    if (stream == nullptr) return gone_from_store();
    std::uint64_t end = part.to;
    if (cut_at_append && &part == &parts->back() && !part.ends_at_fork) {
      // Where a fork leaves its source an append ends, so all before the last part may stay.
      const std::uint64_t without = parts->size() > 1 ? part.from : part.to;
      end = stream->chunks.last_append_end(part.from, part.to).value_or(without);
    }
    stream->chunks.slice(part.from, end, out.slices);
    out.end = end;
  }
  return {};
}

Result<std::vector<MemoryStore::Impl::Segment>> MemoryStore::Impl::segments(StreamId id,
                                                                            std::uint64_t from,
                                                                            std::uint64_t to) {
  std::vector<Segment> parts;
  bool ends_at_fork = false;
  while (from < to) {
    IdShard& shard = id_shard(id);
    const MutexLock lock(shard.mutex);
    const MemoryStream* const stream = shard.find(id);
    if (stream == nullptr) return gone_from_store();
    const std::uint64_t begin = stream->own_begin();
    if (begin < to) {
      parts.push_back(
          {.id = id, .from = std::max(from, begin), .to = to, .ends_at_fork = ends_at_fork});
    }
    if (begin <= to) {
      to = begin;
      ends_at_fork = true;
    }
    id = stream->source().value_or(0);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Status MemoryStore::Impl::cut_at_message(const ReadRange& range, StoredBytes& out) {
  if (shorten_to_last_message(out)) return {};
  while (out.end < range.to) {
    const std::size_t searched = out.slices.size();
    const std::uint64_t from = out.end;
    const std::uint64_t to = from + std::min(kMessageSearchBytes, range.to - from);
    if (Status more = gather(range.id, from, to, false, out); !more) return more;
    if (shorten_to_first_message(out, searched, from)) return {};
  }
  return {};
}

Result<std::uint64_t> MemoryStore::Impl::append_end(StreamId id, std::uint64_t position) {
  std::uint64_t end_max = UINT64_MAX;
  while (true) {
    IdShard& shard = id_shard(id);
    const MutexLock lock(shard.mutex);
    const MemoryStream* const stream = shard.find(id);
    if (stream == nullptr) return gone_from_store();
    if (stream->framing != Framing::kBytes || position >= stream->chunks.end())
      return outside_stream();
    const std::uint64_t begin = stream->own_begin();
    if (position >= begin) return std::min(stream->chunks.append_end_after(position), end_max);
    end_max = std::min(end_max, begin);
    id = stream->source().value_or(0);
  }
}

}  // namespace durable_streams
