// First the pack, whole and durable; then the catalog, which begins to refer to it.
#include "store/file/settling.h"

#include <utility>

namespace durable_streams {

namespace {

// A transaction's changed pages stay in memory until it commits.
constexpr std::size_t kUpdatesMax = 20'000;

SettledStream settled(const DirtyStream& stream) {
  return {.record = stream.record, .lsn = stream.lsn, .releases_owed = stream.releases_owed};
}

// A stream that came and went between two settlings has left no trace below.
bool leaves_no_trace(const DirtyStream& stream) { return stream.removed && !stream.known_below; }

}  // namespace

Settling::Settling(Place place, const Memtable& memtable, CatalogMeta meta)
    : place_(std::move(place)), memtable_(memtable), streams_(memtable.all()), meta_(meta) {}

Result<CatalogMeta> Settling::run() {
  if (Status written = write_pack(); !written) return written.error();
  if (Status begun = begin_catalog(); !begun) return begun.error();
  if (Status updated = update_catalog(); !updated) return updated.error();
  if (Status finished = finish_catalog(); !finished) return finished.error();
  return meta_;
}

Status Settling::write_pack() {
  const PackId id = meta_.next_pack_id;
  std::unique_ptr<PackWriter> writer;
  for (const DirtyStream* stream : streams_) {
    if (leaves_no_trace(*stream)) continue;
    if (writer == nullptr) {
      Result<std::unique_ptr<PackWriter>> created = PackWriter::create(
          place_.files, {.directory = place_.directory, .id = id, .store_id = meta_.store_id});
      if (!created) return created.error();
      writer = std::move(created).value();
    }
    const Result<std::optional<Extent>> extent = write_extent(*writer, *stream);
    if (!extent) return extent.error();
    if (*extent) extents_.emplace(stream->record.id, **extent);
  }
  if (writer == nullptr) return {};
  for (const DirtyStream* stream : streams_) {
    if (leaves_no_trace(*stream)) continue;
    if (Status indexed = index(*writer, *stream); !indexed) return indexed;
  }
  Result<PackInfo> pack = writer->finish();
  if (!pack) return pack.error();
  pack_ = *pack;
  meta_.next_pack_id = id + 1;
  return {};
}

Result<std::optional<Extent>> Settling::write_extent(PackWriter& writer,
                                                     const DirtyStream& stream) {
  const ChunkList& chunks = stream.chunks;
  if (stream.removed || chunks.end() == stream.chunks_begin) return std::optional<Extent>();
  const StreamRecord& record = stream.record;
  if (Status begun = writer.begin_extent(record.id, record.framing, stream.chunks_begin); !begun)
    return begun.error();
  std::vector<Slice> slices;
  chunks.slice(stream.chunks_begin, chunks.end(), slices);
  std::uint64_t position = stream.chunks_begin;
  std::uint64_t append_end = position;
  for (const Slice& slice : slices) {
    if (Status added = writer.add_bytes(slice.view()); !added) return added.error();
    position += slice.size();
    while (record.framing == Framing::kBytes && append_end < position) {
      const std::uint64_t next = chunks.append_end_after(append_end);
      if (next > position) break;
      writer.add_append_end(next);
      append_end = next;
    }
  }
  Result<Extent> extent = writer.end_extent();
  if (!extent) return extent.error();
  return std::optional(*extent);
}

Status Settling::index(PackWriter& writer, const DirtyStream& stream) {
  if (stream.removed) return writer.index_removed(stream.record.id, stream.lsn);
  PackEntry entry{.stream = settled(stream), .extents = {}, .producers = {}};
  if (const auto extent = extents_.find(stream.record.id); extent != extents_.end()) {
    entry.extents.push_back(extent->second);
  }
  entry.producers.reserve(stream.producers.size());
  for (const auto& [id, state] : stream.producers)
    entry.producers.push_back({.id = id, .state = state});
  return writer.index_stream(entry);
}

// Says how far the settling goes before it changes any stream: from then on a change that replay
// brings again may find its stream gone.
Status Settling::begin_catalog() {
  Result<std::unique_ptr<Catalog::Update>> begun = place_.catalog.begin();
  if (!begun) return begun.error();
  CatalogMeta meta = meta_;
  meta.settling = memtable_.last();
  if (Status put = (*begun)->put_meta(meta); !put) return put;
  if (pack_) {
    if (Status put = (*begun)->put_pack(*pack_); !put) return put;
  }
  return (*begun)->commit();
}

Status Settling::update_catalog() {
  for (const DirtyStream* stream : streams_) {
    if (Status updated = update(*stream); !updated) return updated;
  }
  return {};
}

Status Settling::update(const DirtyStream& stream) {
  if (leaves_no_trace(stream)) return {};
  const StreamId id = stream.record.id;
  if (Status room = make_room(2 + stream.producers.size()); !room) return room;
  if (stream.removed) return update_->erase(id);
  if (Status put = update_->put(settled(stream)); !put) return put;
  if (const auto extent = extents_.find(id); extent != extents_.end()) {
    if (Status put = update_->put_extent(id, extent->second); !put) return put;
  }
  for (const auto& [producer, state] : stream.producers) {
    Status put =
        state ? update_->put_producer(id, producer, *state) : update_->erase_producer(id, producer);
    if (!put) return put;
  }
  return {};
}

Status Settling::make_room(std::size_t updates) {
  if (update_ != nullptr && updates_ + updates > kUpdatesMax) {
    if (Status committed = update_->commit(); !committed) return committed;
    update_.reset();
  }
  if (update_ == nullptr) {
    Result<std::unique_ptr<Catalog::Update>> begun = place_.catalog.begin();
    if (!begun) return begun.error();
    update_ = std::move(begun).value();
    updates_ = 0;
  }
  updates_ += updates;
  return {};
}

Status Settling::finish_catalog() {
  if (Status room = make_room(1); !room) return room;
  meta_.settled = memtable_.last();
  meta_.settling = memtable_.last();
  if (Status put = update_->put_meta(meta_); !put) return put;
  Status committed = update_->commit();
  update_.reset();
  return committed;
}

}  // namespace durable_streams
