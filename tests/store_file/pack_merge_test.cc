// Merging: that nothing alive is lost or comes back, whatever happens between two transactions.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/file/pack_merge.h"
#include "tests/store_file/memory_files.h"
#include "tests/store_file/pack_samples.h"
#include "tests/support/catch.h"
#include "tests/support/map_catalog.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

constexpr auto kWait = Pack::Wait::kYes;

// A store's settled part: packs and catalog, with a model of what they hold.
class SettledStore {
 public:
  struct Stream {
    SettledStream record;
    std::string bytes;
    std::vector<std::uint64_t> ends;
    std::map<std::string, ProducerState> producers;
    // Not yet settled.
    std::size_t settled_bytes = 0;
    std::set<std::string> changed_producers;
  };

  StreamId create(Framing framing = Framing::kBytes) {
    const StreamId id = next_id_++;
    streams_[id].record = sample_stream(id, 0, ++lsn_, framing);
    touched_.insert(id);
    return id;
  }

  void append(StreamId id, std::string_view bytes) {
    Stream& stream = streams_.at(id);
    stream.bytes += bytes;
    stream.ends.push_back(stream.bytes.size());
    stream.record.record.tail.position = stream.bytes.size();
    stream.record.lsn = stream.record.record.version = ++lsn_;
    touched_.insert(id);
  }

  void produce(StreamId id, const std::string& producer) {
    Stream& stream = streams_.at(id);
    stream.producers[producer].last_seq = ++lsn_;
    stream.record.lsn = stream.record.record.version = lsn_;
    stream.changed_producers.insert(producer);
    touched_.insert(id);
  }

  void forget(StreamId id, const std::string& producer) {
    Stream& stream = streams_.at(id);
    stream.producers.erase(producer);
    stream.record.lsn = stream.record.record.version = ++lsn_;
    stream.changed_producers.insert(producer);
    touched_.insert(id);
  }

  void remove(StreamId id) {
    streams_.erase(id);
    removed_[id] = ++lsn_;
    touched_.insert(id);
  }

  // Writes what has changed into a pack and the catalog.
  PackId settle() {
    const PackId id = next_pack_++;
    const auto writer = new_pack(files, id);
    std::map<StreamId, Extent> extents;
    for (const StreamId touched : touched_) {
      const auto found = streams_.find(touched);
      if (found == streams_.end() || found->second.settled_bytes == found->second.bytes.size())
        continue;
      extents[touched] = write_new_bytes(*writer, found->second);
    }
    const auto update = catalog.begin().value();
    for (const StreamId touched : touched_) {
      const auto found = streams_.find(touched);
      if (found == streams_.end()) {
        writer->index_removed(touched, removed_.at(touched)).value();
        update->erase(touched).value();
        continue;
      }
      settle_stream(*writer, *update, found->second,
                    extents.contains(touched) ? &extents[touched] : nullptr);
    }
    touched_.clear();
    update->put_pack(writer->finish().value()).value();
    update->commit().value();
    return id;
  }

  PackMerge plan(std::vector<PackId> inputs) {
    return plan_merge(catalog, packs, std::move(inputs), pack_place(next_pack_++)).value();
  }

  Result<MergedPack> write(PackMerge& merge) {
    return write_merged_pack(files, catalog, packs, merge);
  }

  void remove_files(const std::vector<PackId>& ids) {
    for (const PackId id : ids) {
      packs.forget(id);
      files.remove(pack_path(id)).value();
    }
  }

  // As a start does: what the catalog does not know was left by unfinished work.
  void remove_strays() {
    std::set<std::string> known;
    const auto listed = catalog.packs().value();
    for (const PackInfo& pack : listed) known.insert(pack_file_name(pack.id));
    const auto names = files.list("packs").value();
    for (const std::string& name : names) {
      if (!known.contains(name)) files.remove("packs/" + name).value();
    }
  }

  PackId merge(std::vector<PackId> inputs, std::size_t updates_max = 20'000) {
    PackMerge plan = this->plan(std::move(inputs));
    const MergedPack merged = write(plan).value();
    apply_merged_pack(catalog, merged, updates_max).value();
    remove_files(merged.inputs);
    return merged.pack.id;
  }

  std::vector<PackId> pack_ids() {
    std::vector<PackId> ids;
    const auto listed = catalog.packs().value();
    for (const PackInfo& pack : listed) ids.push_back(pack.id);
    return ids;
  }

  // Whether catalog and packs hold all that was settled, and account for it rightly.
  void check() {
    std::map<PackId, std::uint64_t> live;
    for (auto& [id, stream] : streams_) {
      const std::vector<Extent> extents = catalog.extents(id, 0, UINT64_MAX).value();
      check_bytes(stream, id, extents);
      for (const Extent& extent : extents) live[extent.pack] += extent.to - extent.from;
    }
    const auto listed = catalog.packs().value();
    for (const PackInfo& pack : listed) {
      INFO("pack " << pack.id);
      REQUIRE(pack.live_bytes == live[pack.id]);
      live.erase(pack.id);
    }
    for (const auto& [pack, bytes] : live) REQUIRE(bytes == 0);
    for (const auto& [id, lsn] : removed_) {
      if (!touched_.contains(id)) REQUIRE(catalog.extents(id, 0, UINT64_MAX).value().empty());
    }
  }

  // Whether the packs alone would tell the same, had the catalog been lost.
  void check_rebuilding();

  MemoryFiles files;
  MapCatalog catalog;
  OpenPacks packs{files, {.directory = "packs", .store_id = kStoreId, .open_max = 3}};

 private:
  Extent write_new_bytes(PackWriter& writer, Stream& stream) {
    const std::size_t from = stream.settled_bytes;
    std::vector<std::uint64_t> ends;
    if (stream.record.record.framing == Framing::kBytes) {
      ends.assign(std::upper_bound(stream.ends.begin(), stream.ends.end(), from),
                  stream.ends.end());
    }
    return write_extent(writer, stream.record.record.id, stream.record.record.framing, from,
                        std::string_view(stream.bytes).substr(from), ends);
  }

  void settle_stream(PackWriter& writer, Catalog::Update& update, Stream& stream,
                     const Extent* extent) {
    PackEntry entry{.stream = stream.record, .extents = {}, .producers = {}};
    const StreamId id = stream.record.record.id;
    update.put(stream.record).value();
    if (extent != nullptr) {
      entry.extents.push_back(*extent);
      update.put_extent(id, *extent).value();
      stream.settled_bytes = extent->to;
    }
    for (const std::string& producer : stream.changed_producers) {
      const auto known = stream.producers.find(producer);
      if (known == stream.producers.end()) {
        entry.producers.push_back({producer, std::nullopt});
        update.erase_producer(id, producer).value();
      } else {
        entry.producers.push_back({producer, known->second});
        update.put_producer(id, producer, known->second).value();
      }
    }
    stream.changed_producers.clear();
    writer.index_stream(entry).value();
  }

  void check_bytes(const Stream& stream, StreamId id, const std::vector<Extent>& extents) {
    INFO("stream " << id);
    std::string bytes;
    for (const Extent& extent : extents) {
      REQUIRE(extent.from == bytes.size());
      const std::shared_ptr<Pack> pack = packs.get(kWait, extent.pack)->value();
      bytes += read_pack(*pack, id, extent, extent.from, extent.to).value();
      if (stream.record.record.framing == Framing::kJson) continue;
      for (std::uint64_t at = extent.from; at < extent.to;) {
        at = pack->append_end_after(kWait, id, extent, at)->value();
        REQUIRE(std::binary_search(stream.ends.begin(), stream.ends.end(), at));
      }
    }
    REQUIRE(bytes == stream.bytes.substr(0, stream.settled_bytes));
  }

  std::map<StreamId, Stream> streams_;
  std::map<StreamId, Lsn> removed_;
  std::set<StreamId> touched_;
  StreamId next_id_ = 1;
  PackId next_pack_ = 1;
  Lsn lsn_ = 0;
};

// What all indices say together of one stream.
struct Rebuilt {
  SettledStream stream;
  Lsn removed = 0;
  std::map<std::string, std::pair<Lsn, std::optional<ProducerState>>> producers;
  std::map<std::uint64_t, Extent> extents;
};

std::map<StreamId, Rebuilt> rebuild(MemoryFiles& files) {
  std::map<PackId, std::vector<PackIndexEntry>> indices;
  std::set<PackId> replaced;
  const auto listed = files.list("packs").value();
  for (const std::string& name : listed) {
    const PackId id = std::stoull(name);
    indices[id] = read_index(*open_pack(files, id)).value();
    for (const PackIndexEntry& entry : indices[id]) {
      if (entry.kind == PackIndexEntry::Kind::kReplaced) replaced.insert(entry.pack);
    }
  }
  std::map<StreamId, Rebuilt> streams;
  for (const auto& [pack, entries] : indices) {
    if (replaced.contains(pack)) continue;
    for (const PackIndexEntry& entry : entries) {
      if (entry.kind == PackIndexEntry::Kind::kReplaced) continue;
      Rebuilt& rebuilt = streams[entry.id];
      if (entry.kind == PackIndexEntry::Kind::kRemoved) {
        rebuilt.removed = entry.lsn;
        continue;
      }
      if (entry.lsn >= rebuilt.stream.lsn) rebuilt.stream = entry.stream.stream;
      for (const ProducerEntry& producer : entry.stream.producers) {
        auto& [lsn, state] = rebuilt.producers[producer.id];
        if (producer.lsn < lsn) continue;
        lsn = producer.lsn;
        state = producer.state;
      }
      for (const Extent& extent : entry.stream.extents) {
        REQUIRE((rebuilt.removed != 0 || rebuilt.extents.emplace(extent.from, extent).second));
      }
    }
  }
  std::erase_if(streams, [](const auto& stream) { return stream.second.removed != 0; });
  return streams;
}

void SettledStore::check_rebuilding() {
  REQUIRE(touched_.empty());
  std::map<StreamId, Rebuilt> rebuilt = rebuild(files);
  REQUIRE(rebuilt.size() == streams_.size());
  for (const auto& [id, stream] : streams_) {
    INFO("rebuilding stream " << id);
    REQUIRE(rebuilt.contains(id));
    const Rebuilt& told = rebuilt[id];
    REQUIRE(told.stream.lsn == stream.record.lsn);
    REQUIRE(told.stream.record.tail == stream.record.record.tail);
    std::map<std::string, ProducerState> producers;
    for (const auto& [producer, known] : told.producers) {
      if (known.second) producers[producer] = *known.second;
    }
    REQUIRE(producers == stream.producers);
    std::vector<Extent> extents;
    for (const auto& [from, extent] : told.extents) extents.push_back(extent);
    check_bytes(stream, id, extents);
  }
}

TEST_CASE("adjacent extents become one, with their append ends", "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  std::vector<PackId> packs;
  const std::string bytes(50'000, 'x');
  for (int i = 0; i < 5; ++i) {
    store.append(id, bytes);
    store.append(id, "!");
    packs.push_back(store.settle());
  }
  const PackId merged = store.merge(packs);
  const std::vector<Extent> extents = store.catalog.extents(id, 0, UINT64_MAX).value();
  REQUIRE(extents.size() == 1);
  CHECK(extents[0].pack == merged);
  CHECK(store.pack_ids() == std::vector<PackId>{merged});
  CHECK(store.files.list("packs").value().size() == 1);
  store.check();
  store.check_rebuilding();
}

TEST_CASE("extents apart from one another stay apart", "[merge]") {
  SettledStore store;
  const StreamId id = store.create(Framing::kJson);
  std::vector<PackId> packs;
  for (const char* bytes : {"1,\n", "2,\n", "3,\n"}) {
    store.append(id, bytes);
    packs.push_back(store.settle());
  }
  store.merge({packs[0], packs[2]});
  CHECK(store.catalog.extents(id, 0, UINT64_MAX).value().size() == 3);
  store.check();
  store.check_rebuilding();
}

TEST_CASE("of what is dead nothing is written", "[merge]") {
  SettledStore store;
  const StreamId dead = store.create();
  const StreamId alive = store.create();
  store.append(dead, std::string(100'000, 'x'));
  store.append(alive, "y");
  const PackId first = store.settle();
  store.remove(dead);
  const PackId second = store.settle();
  const PackId merged = store.merge({first, second});
  CHECK(store.catalog.packs().value() ==
        std::vector<PackInfo>{open_pack(store.files, merged)->info()});
  CHECK(open_pack(store.files, merged)->info().stream_bytes == 1);
  CHECK(read_index(*open_pack(store.files, merged)).value().size() ==
        3);  // two replaced packs, one stream
  store.check_rebuilding();
}

TEST_CASE("a removed stream is remembered as long as an older pack names it", "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  store.append(id, "x");
  const PackId older = store.settle();
  store.remove(id);
  const PackId tombstone = store.settle();
  store.create();
  const PackId newer = store.settle();
  const PackId merged = store.merge({tombstone, newer});
  const std::vector<PackIndexEntry> index = read_index(*open_pack(store.files, merged)).value();
  REQUIRE(index.size() == 4);
  CHECK(index[2].kind == PackIndexEntry::Kind::kRemoved);
  store.check_rebuilding();
  const PackId last = store.merge({older, merged});
  CHECK(read_index(*open_pack(store.files, last)).value().size() == 3);
  store.check_rebuilding();
}

TEST_CASE("producers keep their newest state", "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  store.produce(id, "a");
  store.produce(id, "b");
  const PackId first = store.settle();
  store.produce(id, "a");
  const PackId second = store.settle();
  store.produce(id, "c");
  const PackId third = store.settle();
  store.merge({third, first});
  store.check_rebuilding();
  store.merge({store.pack_ids()});
  store.check_rebuilding();
  static_cast<void>(second);
}

TEST_CASE("a producer stays forgotten, and is named as such only while a pack may know it",
          "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  store.produce(id, "a");
  store.produce(id, "b");
  const PackId older = store.settle();
  store.forget(id, "a");
  store.produce(id, "c");
  const PackId forgotten = store.settle();
  store.produce(id, "d");
  const PackId newer = store.settle();
  const auto ids_in = [&](PackId pack) {
    const std::vector<PackIndexEntry> index = read_index(*open_pack(store.files, pack)).value();
    std::set<std::string> ids;
    for (const ProducerEntry& producer : index.back().stream.producers)
      ids.insert((producer.state ? "" : "not ") + producer.id);
    return ids;
  };
  const PackId merged = store.merge({forgotten, newer});
  CHECK(ids_in(merged) == std::set<std::string>{"not a", "c", "d"});
  store.check_rebuilding();
  const PackId last = store.merge({older, merged});
  CHECK(ids_in(last) == std::set<std::string>{"b", "c", "d"});
  store.check_rebuilding();
}

TEST_CASE("a stream erased while it is merged does not come back", "[merge]") {
  for (const bool before_copying : {true, false}) {
    SettledStore store;
    const StreamId gone = store.create();
    const StreamId stays = store.create();
    store.append(gone, std::string(2 << 20, 'x'));
    store.append(stays, "y");
    const PackId first = store.settle();
    store.append(stays, "z");
    const PackId second = store.settle();
    PackMerge merge = store.plan({first, second});
    bool erased = false;
    if (before_copying) {
      merge.pace = [&] {
        if (!std::exchange(erased, true)) {
          store.remove(gone);
          store.settle();
        }
        return Status{};
      };
    }
    const MergedPack merged = store.write(merge).value();
    if (!before_copying) {
      store.remove(gone);
      store.settle();
    }
    apply_merged_pack(store.catalog, merged, 1).value();
    store.remove_files(merged.inputs);
    CHECK(store.catalog.extents(gone, 0, UINT64_MAX).value().empty());
    store.check();
    store.check_rebuilding();
  }
}

TEST_CASE("a merge keeps a pace, and ends when it is told to, without a trace", "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  store.append(id, std::string((5 << 20) + 10, 'x'));
  const PackId pack = store.settle();
  int paces = 0;
  PackMerge merge = store.plan({pack});
  merge.pace = [&] {
    CHECK(store.packs.open() <= 1);
    return ++paces == 3 ? Status(Error{ErrorCode::kCanceled, "enough", {}}) : Status();
  };
  CHECK(store.write(merge).error().code == ErrorCode::kCanceled);
  CHECK(store.files.list("packs").value() == std::vector<std::string>{pack_file_name(pack)});
  merge.pace = [&] {
    ++paces;
    return Status{};
  };
  CHECK(store.write(merge).ok());
  CHECK(paces == 3 + 5);
}

TEST_CASE("what the catalog places in a pack that does not name it is not given up", "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  store.append(id, "x");
  const PackId pack = store.settle();
  const auto update = store.catalog.begin().value();
  update->put_extent(99, {.from = 0, .to = 7, .pack = pack, .offset = 100, .directory = 0}).value();
  update->commit().value();
  PackMerge merge = store.plan({pack});
  CHECK(apply_merged_pack(store.catalog, store.write(merge).value()).error().code ==
        ErrorCode::kCorruption);
  const std::vector<PackInfo> packs = store.catalog.packs().value();
  REQUIRE(packs.size() == 2);
  CHECK(packs[0].live_bytes == 7);
  CHECK(packs[1].live_bytes == 1);
}

TEST_CASE("a damaged input ends the merge", "[merge]") {
  SettledStore store;
  const StreamId id = store.create();
  store.append(id, "hello");
  const PackId pack = store.settle();
  const Extent extent = store.catalog.extents(id, 0, 5).value()[0];
  store.files.bytes(pack_path(pack))[extent.offset + 9] ^= 1;
  PackMerge merge = store.plan({pack});
  const Result<MergedPack> merged = store.write(merge);
  REQUIRE_FALSE(merged.ok());
  CHECK(merged.error().code == ErrorCode::kCorruption);
  CHECK(store.files.list("packs").value().size() == 1);
}

// Makes the n-th commit from now on fail, as if the process had ended there.
void fail_commit(MapCatalog& catalog, std::uint64_t nth) {
  catalog.set_before_commit([nth]() mutable {
    return nth-- == 0 ? Status(Error{ErrorCode::kIo, "crashed", {}}) : Status();
  });
}

TEST_CASE("a merge that ends between two transactions leaves all readable, and is taken up again",
          "[merge]") {
  for (std::uint64_t crash = 0; crash < 6; ++crash) {
    INFO("crash at commit " << crash);
    SettledStore store;
    std::vector<PackId> packs;
    std::vector<StreamId> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(store.create());
    for (int round = 0; round < 3; ++round) {
      for (const StreamId id : ids) store.append(id, std::to_string(id * 100));
      packs.push_back(store.settle());
    }
    PackMerge merge = store.plan({packs[0], packs[1]});
    const MergedPack merged = store.write(merge).value();
    fail_commit(store.catalog, crash);
    const Status applied = apply_merged_pack(store.catalog, merged, 1);
    CHECK(applied.ok() == (crash == 5));
    store.catalog.set_before_commit([] { return Status{}; });
    store.remove_strays();
    store.check();
    store.check_rebuilding();

    const PackMerge again = store.plan({packs[2], packs[0]});
    if (crash > 0 && crash < 5) CHECK(again.inputs.size() == 4);
    if (crash == 5) continue;
    store.merge({packs[2], packs[0]});
    store.check();
    store.check_rebuilding();
  }
}

TEST_CASE("random settling, removing, merging and crashing lose nothing", "[merge][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  for (std::uint64_t run = 0; run < 20; ++run) {
    Random random(seed + run);
    SettledStore store;
    std::vector<StreamId> ids;
    for (int step = 0; step < 12; ++step) {
      for (int i = 0; i < 15; ++i) {
        if (ids.empty() || random.one_in(4))
          ids.push_back(store.create(random.one_in(3) ? Framing::kJson : Framing::kBytes));
        const std::size_t at = random.below(ids.size());
        if (random.one_in(8)) {
          store.remove(ids[at]);
          ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at));
        } else if (random.one_in(3)) {
          store.produce(ids[at], "producer-" + std::to_string(random.below(4)));
        } else if (random.one_in(8)) {
          store.forget(ids[at], "producer-" + std::to_string(random.below(4)));
        } else {
          store.append(ids[at], std::string(1 + random.below(random.one_in(20) ? 150'000 : 300),
                                            static_cast<char>('a' + random.below(26))));
        }
      }
      store.settle();
      if (random.one_in(2)) continue;
      std::vector<PackId> inputs;
      for (const PackId pack : store.pack_ids()) {
        if (random.one_in(2)) inputs.push_back(pack);
      }
      if (inputs.empty()) continue;
      PackMerge merge = store.plan(inputs);
      const MergedPack merged = store.write(merge).value();
      if (random.one_in(2)) {
        if (!ids.empty()) {
          store.remove(ids.back());
          ids.pop_back();
        }
        store.settle();
      }
      if (random.one_in(3)) fail_commit(store.catalog, random.below(4));
      if (apply_merged_pack(store.catalog, merged, 5).ok()) store.remove_files(merged.inputs);
      store.catalog.set_before_commit([] { return Status{}; });
      store.remove_strays();
      store.check();
      store.check_rebuilding();
    }
  }
}

}  // namespace
}  // namespace durable_streams
