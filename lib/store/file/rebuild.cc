// Of each stream the record with the highest LSN counts, of each producer the newest state, and
// extents add up; what a pack names as removed is gone (docs/disk-format.md, "What an index
// means").
#include "store/file/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/file/journal_format.h"
#include "store/file/pack_format.h"
#include "store/file/segment_reader.h"
#include "store/file/stream_shape.h"

namespace durable_streams {

namespace {

constexpr std::size_t kUpdatesMax = 20'000;

Result<std::string> read_beginning(FileSystem& files, const std::string& path, std::size_t bytes) {
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kRead);
  if (!file) return file.error();
  std::string beginning(bytes, '\0');
  const Result<std::size_t> size = (*file)->read(0, beginning.data(), bytes);
  if (!size) return size.error();
  beginning.resize(*size);
  return beginning;
}

}  // namespace

Status CatalogRebuild::read() {
  if (Status found = find_store(); !found) return found;
  for (auto& [id, info] : packs_) {
    if (Status read = read_pack(id); !read) return read;
  }
  std::erase_if(packs_, [this](const auto& pack) { return replaced_.contains(pack.first); });
  drop_what_is_gone();
  if (Status found = find_journal_begin(); !found) return found;
  count();
  return {};
}

Result<std::uint64_t> CatalogRebuild::store_id() {
  if (Status found = find_store(); !found) return found.error();
  return meta_.store_id;
}

// Lists the packs, and learns from the first readable header which store they are of.
Status CatalogRebuild::find_store() {
  const Result<std::vector<std::string>> packs = files_.list(directory_ + "/packs");
  if (!packs && packs.error().code != ErrorCode::kNotFound) return packs.error();
  if (packs) {
    for (const std::string& name : *packs) {
      const PackId id = pack_in(name);
      if (id == 0) continue;
      packs_[id] = {.id = id};
      meta_.next_pack_id = std::max(meta_.next_pack_id, id + 1);
      const Result<std::string> bytes =
          read_beginning(files_, directory_ + "/packs/" + name, pack_format::kHeaderBytes);
      if (!bytes) return bytes.error();
      pack_format::Header header;
      if (bytes->size() == pack_format::kHeaderBytes && pack_format::decode_header(*bytes, header))
        meta_.store_id = header.store_id;
    }
  }
  const Result<std::vector<std::string>> segments = files_.list(directory_ + "/journal");
  if (!segments && segments.error().code != ErrorCode::kNotFound) return segments.error();
  if (segments && meta_.store_id == 0) {
    for (const std::string& name : *segments) {
      if (!journal_format::number_in(name, journal_format::kSegmentEnding)) continue;
      const Result<std::string> bytes = read_beginning(files_, directory_ + "/journal/" + name,
                                                       journal_format::kSegmentHeaderBytes);
      if (!bytes) return bytes.error();
      journal_format::SegmentHeader header;
      if (journal_format::decode(*bytes, header) == journal_format::SegmentRead::kValid)
        meta_.store_id = header.store_id;
    }
  }
  if (meta_.store_id != 0) return {};
  return Error{.code = ErrorCode::kNotFound,
               .message = "neither packs nor journal tell of a store",
               .detail = {}};
}

Status CatalogRebuild::read_pack(PackId id) {
  Result<std::unique_ptr<Pack>> pack = Pack::open(
      files_, {.directory = directory_ + "/packs", .id = id, .store_id = meta_.store_id});
  if (!pack) return pack.error();
  packs_[id] = (*pack)->info();
  meta_.settling = std::max(meta_.settling, (*pack)->highest_lsn());
  Pack::IndexVisitor visitor{.stream =
                                 [this](PackEntry& entry) {
                                   take(entry);
                                   return Status{};
                                 },
                             .removed =
                                 [this](StreamId stream, Lsn) {
                                   removed_.insert(stream);
                                   return Status{};
                                 },
                             .replaced =
                                 [this](PackId replaced) {
                                   replaced_.insert(replaced);
                                   return Status{};
                                 }};
  return (*pack)->walk_index(visitor);
}

void CatalogRebuild::take(PackEntry& entry) {
  KnownStream& known = streams_[entry.stream.record.id];
  for (ProducerEntry& producer : entry.producers) {
    const Lsn lsn = producer.lsn != 0 ? producer.lsn : entry.stream.lsn;
    KnownProducer& state = known.producers[producer.id];
    if (lsn >= state.lsn) state = {.state = producer.state, .lsn = lsn};
  }
  // Two packs hold the same bytes where a settling was tried twice, or one was merged.
  for (const Extent& extent : entry.extents) {
    Extent& there = known.extents[extent.from];
    if (there.pack == 0 || replaced_.contains(there.pack) || extent.to >= there.to) there = extent;
  }
  if (entry.stream.lsn >= known.stream.lsn) known.stream = std::move(entry.stream);
}

// Extents in replaced packs are in those that replaced them as well.
void CatalogRebuild::drop_what_is_gone() {
  for (const StreamId id : removed_) streams_.erase(id);
  for (auto& [id, known] : streams_) {
    std::erase_if(known.extents,
                  [this](const auto& each) { return replaced_.contains(each.second.pack); });
    // The shorter of two that overlap was an earlier try.
    std::uint64_t end = 0;
    for (auto each = known.extents.begin(); each != known.extents.end();) {
      const bool covered = each->second.to <= end;
      end = std::max(end, each->second.to);
      each = covered ? known.extents.erase(each) : std::next(each);
    }
  }
}

// Where the journal begins later than the packs end, what lies between has left no trace.
Status CatalogRebuild::find_journal_begin() {
  meta_.settled = meta_.settling;
  const Result<std::vector<std::string>> names = files_.list(directory_ + "/journal");
  if (!names) return names.error().code == ErrorCode::kNotFound ? Status{} : Status(names.error());
  Lsn first = 0;
  for (const std::string& name : *names) {
    const auto number = journal_format::number_in(name, journal_format::kSegmentEnding);
    if (!number) continue;
    Result<SegmentReader> segment =
        SegmentReader::open(files_, directory_ + "/journal", meta_.store_id, *number);
    if (!segment) return segment.error();
    const auto batch = segment->header_at(journal_format::kSegmentHeaderBytes);
    if (!batch) return batch.error();
    if (*batch && (first == 0 || (*batch)->first < first)) first = (*batch)->first;
  }
  // Together the packs hold every change up to their last one.
  if (first <= meta_.settling + 1) return {};
  meta_.settled = first - 1;
  meta_.settling = meta_.settled;
  return {};
}

void CatalogRebuild::count() {
  std::map<StreamId, std::uint32_t> forks;
  for (const auto& [id, known] : streams_) {
    const StreamShape shape = shape_of(known.stream.record);
    meta_.next_stream_id = std::max(meta_.next_stream_id, id + 1);
    meta_.read_sequence = std::max(meta_.read_sequence, known.stream.record.tail.read_sequence + 1);
    if (shape.source != 0) ++forks[shape.source];
  }
  // Forks that are gone and were not told of to their source leave no other trace.
  for (auto& [id, known] : streams_) {
    const std::uint32_t counted = known.stream.record.forks;
    known.stream.releases_owed = counted - std::min(counted, forks[id]);
  }
  for (const StreamId id : removed_) meta_.next_stream_id = std::max(meta_.next_stream_id, id + 1);
}

Status CatalogRebuild::write(Catalog& catalog) {
  for (const auto& [id, info] : packs_) {
    if (Status room = make_room(catalog, 1); !room) return room;
    if (Status put = update_->put_pack(info); !put) return put;
  }
  for (const auto& [id, known] : streams_) {
    if (Status written = write_stream(catalog, known); !written) return written;
  }
  // Last, so that a catalog that was not finished looks like a new one and is not taken for whole.
  if (Status room = make_room(catalog, 1); !room) return room;
  if (Status put = update_->put_meta(meta_); !put) return put;
  Status committed = update_->commit();
  update_.reset();
  return committed;
}

Status CatalogRebuild::write_stream(Catalog& catalog, const KnownStream& known) {
  if (Status room = make_room(catalog, 1 + known.extents.size() + known.producers.size()); !room)
    return room;
  const StreamId id = known.stream.record.id;
  if (Status put = update_->put(known.stream); !put) return put;
  for (const auto& [from, extent] : known.extents) {
    if (Status put = update_->put_extent(id, extent); !put) return put;
  }
  for (const auto& [name, producer] : known.producers) {
    if (!producer.state) continue;
    if (Status put = update_->put_producer(id, name, *producer.state); !put) return put;
  }
  return {};
}

Status CatalogRebuild::make_room(Catalog& catalog, std::size_t updates) {
  if (update_ != nullptr && updates_ + updates > kUpdatesMax) {
    if (Status committed = update_->commit(); !committed) return committed;
    update_.reset();
  }
  if (update_ == nullptr) {
    Result<std::unique_ptr<Catalog::Update>> begun = catalog.begin();
    if (!begun) return begun.error();
    update_ = std::move(begun).value();
    updates_ = 0;
  }
  updates_ += updates;
  return {};
}

}  // namespace durable_streams
