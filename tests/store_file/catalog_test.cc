// The contract of every catalog.
#include "store/file/catalog.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/store_file/catalog_subject.h"

namespace durable_streams {
namespace {

SettledStream with_deadline(SettledStream stream, std::int64_t ms) {
  stream.record.deadline = at_ms(ms);
  return stream;
}

SettledStream full_stream() {
  SettledStream stream = sample_stream(7, "rooms/7", 41);
  StreamRecord& record = stream.record;
  record.content_type = "application/json; charset=utf-8";
  record.framing = Framing::kJson;
  record.expiry.ttl = std::chrono::seconds(90);
  record.deadline = at_ms(1'700'000'000'000);
  record.version = 12;
  record.tail = {1, 5000};
  record.closed = true;
  record.forks = 3;
  record.stream_seq = std::string(256, 's');
  record.closed_by = ClosingTuple{std::string(256, 'p'), 4, 9};
  record.fork = ForkPoint{3, "rooms/3", 100, {0, 90}, 10};
  return stream;
}

}  // namespace

TEST_CASE("an empty catalog knows nothing", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  CHECK(must(catalog->meta()) == CatalogMeta{});
  CHECK_FALSE(must(catalog->find_path("a")));
  CHECK_FALSE(must(catalog->find_path("")));
  CHECK_FALSE(must(catalog->find_path(std::string(600, 'a'))));
  CHECK_FALSE(must(catalog->find(1)));
  CHECK_FALSE(must(catalog->find_producer(1, "p")));
  CHECK_FALSE(must(catalog->find_producer(1, std::string(600, 'p'))));
  CHECK(must(catalog->count_producers(1)) == 0);
  CHECK(must(catalog->extents(1, 0, kPositionMax)).empty());
  CHECK(catalog.due().empty());
  CHECK(must(catalog->packs()).empty());
  CHECK(must(catalog->streams_after(0, 10)).empty());
  CHECK(must(catalog->streams_after(kPositionMax, 10)).empty());
  CHECK(must(catalog->totals()) == CatalogTotals{});
  catalog.erase(1);
}

TEST_CASE("a stream is found by path and by id, all of its record", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const SettledStream stream = full_stream();
  catalog.put(stream);
  catalog.reopen();
  CHECK(must(catalog->find_path("rooms/7")) == StreamId{7});
  const std::optional<SettledStream> found = must(catalog->find(7));
  REQUIRE(found);
  CHECK(same(*found, stream));
}

TEST_CASE("a path as long as paths may be is kept, a longer key is refused",
          "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::string longest(480, '\xc3');
  catalog.put(sample_stream(1, longest));
  CHECK(must(catalog->find_path(longest)) == StreamId{1});
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{512}}) {
    const auto update = must(catalog->begin());
    const Status refused = update->put(sample_stream(2, std::string(bytes, 'a')));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kPathTooLong);
    CHECK_FALSE(update->put(sample_stream(3, "b")).ok());
    CHECK_FALSE(update->commit().ok());
  }
  CHECK_FALSE(must(catalog->find(2)));
  CHECK_FALSE(must(catalog->find(3)));
}

TEST_CASE("an update that is not committed has not happened", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  catalog.put(sample_stream(1, "a"));
  {
    const auto update = must(catalog->begin());
    must(update->put(with_deadline(sample_stream(2, "b"), 5)));
    must(update->erase(1));
    must(update->put_meta({.settled = 9}));
    CHECK(must(catalog->find(1)));
    CHECK_FALSE(must(catalog->find(2)));
  }
  catalog.reopen();
  CHECK(must(catalog->find_path("a")) == StreamId{1});
  CHECK_FALSE(must(catalog->find_path("b")));
  CHECK(catalog.due().empty());
  CHECK(must(catalog->meta()) == CatalogMeta{});
}

TEST_CASE("a record that is put again replaces the old one and moves its deadline",
          "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  catalog.put(with_deadline(sample_stream(1, "a"), 100));
  catalog.put(with_deadline(sample_stream(1, "a", 2), 200));
  CHECK(catalog.due() == std::vector<DueStream>{{at_ms(200), 1}});
  CHECK(must(catalog->find(1))->lsn == 2);
  catalog.update([](Catalog::Update& to) {
    must(to.put(with_deadline(sample_stream(1, "a", 3), 300)));
    must(to.put(with_deadline(sample_stream(1, "a", 4), 400)));
  });
  CHECK(catalog.due() == std::vector<DueStream>{{at_ms(400), 1}});
  catalog.put(sample_stream(1, "a", 5));
  CHECK(catalog.due().empty());
  CHECK(must(catalog->find_path("a")) == StreamId{1});
}

TEST_CASE("a soft-deleted stream keeps its path and has no deadline", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  SettledStream stream = with_deadline(sample_stream(1, "a"), 100);
  catalog.put(stream);
  stream.record.soft_deleted = true;
  catalog.put(stream);
  CHECK(catalog.due().empty());
  CHECK(must(catalog->find_path("a")) == StreamId{1});
  CHECK(must(catalog->find(1))->record.soft_deleted);
  catalog.put(with_deadline(stream, 200));
  CHECK(catalog.due().empty());
  catalog.erase(1);
  CHECK_FALSE(must(catalog->find_path("a")));
}

TEST_CASE("erasing a stream takes its path, deadline, producers and extents, and no other's",
          "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::vector<Extent> extents{{0, 10, 1, 64, 0}, {10, 30, 2, 128, 4096}};
  catalog.update([&](Catalog::Update& to) {
    for (const StreamId id : {1, 2, 3}) {
      must(to.put(with_deadline(sample_stream(id, "s" + std::to_string(id)), 100)));
      for (const Extent& extent : extents) must(to.put_extent(id, extent));
      for (const char* producer : {"", "p", "q"}) must(to.put_producer(id, producer, {1, 2}));
    }
  });
  catalog.erase(2);
  CHECK_FALSE(must(catalog->find(2)));
  CHECK_FALSE(must(catalog->find_path("s2")));
  CHECK_FALSE(must(catalog->find_producer(2, "p")));
  CHECK(must(catalog->extents(2, 0, kPositionMax)).empty());
  CHECK(catalog.due() == std::vector<DueStream>{{at_ms(100), 1}, {at_ms(100), 3}});
  for (const StreamId id : {1, 3}) {
    CHECK(must(catalog->find(id)));
    CHECK(must(catalog->count_producers(id)) == 3);
    CHECK(must(catalog->extents(id, 0, kPositionMax)) == extents);
  }
}

TEST_CASE("a path that another stream took stays with it", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  catalog.put(sample_stream(1, "a"));
  SECTION("in one update") {
    catalog.update([](Catalog::Update& to) {
      must(to.put(sample_stream(2, "a")));
      must(to.erase(1));
    });
  }
  SECTION("over several, the old record put again between") {
    catalog.put(sample_stream(2, "a"));
    catalog.put(sample_stream(1, "a", 9));
    catalog.erase(1);
  }
  CHECK(must(catalog->find_path("a")) == StreamId{2});
  CHECK_FALSE(must(catalog->find(1)));
}

TEST_CASE("producers are found singly, by any bytes", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::string longest(256, '\xff');
  const std::string zeros("a\0b", 3);
  catalog.update([&](Catalog::Update& to) {
    must(to.put_producer(1, longest, {1, kPositionMax}));
    must(to.put_producer(1, zeros, {2, 3}));
    must(to.put_producer(1, zeros, {4, 5}));
    must(to.put_producer(256, "b", {6, 7}));
  });
  CHECK(must(catalog->find_producer(1, longest)) == ProducerState{1, kPositionMax});
  CHECK(must(catalog->find_producer(1, zeros)) == ProducerState{4, 5});
  CHECK_FALSE(must(catalog->find_producer(1, "a")));
  CHECK_FALSE(must(catalog->find_producer(1, "b")));
  CHECK(must(catalog->count_producers(1)) == 2);
  CHECK(must(catalog->count_producers(256)) == 1);
  const auto update = must(catalog->begin());
  const Status refused = update->put_producer(1, std::string(504, 'p'), {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kTooLarge);
}

TEST_CASE("extents are those that hold bytes of a range", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::vector<Extent> all{
      {5, 10, 1, 64, 0}, {10, 300, 2, 64, 0}, {400, std::uint64_t{1} << 40, 3, 64, 9}};
  catalog.update([&](Catalog::Update& to) {
    must(to.put_extent(1, {0, kPositionMax, 9, 9, 9}));
    for (const Extent& extent : all) must(to.put_extent(2, extent));
    must(to.put_extent(3, {0, 1, 9, 9, 9}));
  });
  const auto between = [&](std::uint64_t from, std::uint64_t to) {
    return must(catalog->extents(2, from, to));
  };
  CHECK(between(0, kPositionMax) == all);
  CHECK(between(0, 5).empty());
  CHECK(between(0, 6) == std::vector<Extent>{all[0]});
  CHECK(between(9, 10) == std::vector<Extent>{all[0]});
  CHECK(between(10, 11) == std::vector<Extent>{all[1]});
  CHECK(between(9, 11) == std::vector<Extent>{all[0], all[1]});
  CHECK(between(299, 401) == std::vector<Extent>{all[1], all[2]});
  CHECK(between(300, 400).empty());
  CHECK(between(7, 7).empty());
  CHECK(between(8, 7).empty());
  CHECK(between(std::uint64_t{1} << 40, kPositionMax).empty());
}

TEST_CASE("an extent replaces those that it covers, and cuts none", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::vector<Extent> old{{0, 10, 1, 64, 0}, {10, 20, 2, 64, 0}, {20, 30, 3, 64, 0}};
  catalog.update([&](Catalog::Update& to) {
    for (const Extent& extent : old) must(to.put_extent(1, extent));
  });
  const Extent merged{0, 20, 4, 64, 4096};
  std::vector<Extent> freed;
  catalog.update([&](Catalog::Update& to) { must(to.replace_extents(1, merged, freed)); });
  CHECK(freed == std::vector<Extent>{old[0], old[1]});
  CHECK(must(catalog->extents(1, 0, 100)) == std::vector<Extent>{merged, old[2]});
  for (const Extent& cutting : {Extent{0, 25, 5, 64, 0}, Extent{10, 30, 5, 64, 0},
                                Extent{5, 15, 5, 64, 0}, Extent{40, 40, 5, 64, 0}}) {
    const auto update = must(catalog->begin());
    const Status refused = update->replace_extents(1, cutting, freed);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kInvalidArgument);
    CHECK_FALSE(update->commit().ok());
  }
  CHECK(must(catalog->extents(1, 0, 100)) == std::vector<Extent>{merged, old[2]});
}

TEST_CASE("deadlines come in order, from where the caller stopped", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::vector<std::int64_t> deadlines{-5, 300, 0, 100, 100, std::int64_t{1} << 40};
  catalog.update([&](Catalog::Update& to) {
    StreamId id = 0;
    for (const std::int64_t ms : deadlines) {
      ++id;
      must(to.put(with_deadline(sample_stream(id, "s" + std::to_string(id)), ms)));
    }
    must(to.put(sample_stream(99, "never")));
  });
  const std::vector<DueStream> all{{at_ms(-5), 1},  {at_ms(0), 3},   {at_ms(100), 4},
                                   {at_ms(100), 5}, {at_ms(300), 2}, {at_ms(1LL << 40), 6}};
  CHECK(catalog.due() == all);
  CHECK(must(catalog->due(CatalogSubject::kBefore, at_ms(100), 10)) ==
        std::vector<DueStream>(all.begin(), all.begin() + 4));
  CHECK(must(catalog->due(CatalogSubject::kBefore, kNever, 0)).empty());
  std::vector<DueStream> walked;
  DueStream after = CatalogSubject::kBefore;
  while (true) {
    const std::vector<DueStream> step = must(catalog->due(after, kNever, 2));
    if (step.empty()) break;
    walked.insert(walked.end(), step.begin(), step.end());
    after = step.back();
  }
  CHECK(walked == all);
}

TEST_CASE("all streams can be walked over in order of id", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const std::vector<StreamId> ids{1, 2, 255, 256, 65536, std::uint64_t{1} << 40};
  catalog.update([&](Catalog::Update& to) {
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
      must(to.put(sample_stream(*id, "s" + std::to_string(*id))));
    }
  });
  std::vector<StreamId> walked;
  StreamId after = 0;
  while (true) {
    const std::vector<SettledStream> step = must(catalog->streams_after(after, 2));
    if (step.empty()) break;
    for (const SettledStream& stream : step) walked.push_back(stream.record.id);
    after = walked.back();
  }
  CHECK(walked == ids);
}

TEST_CASE("paths come in order of their bytes, after one and with a prefix",
          "[store_file][catalog]") {
  using Paths = std::vector<std::string>;
  CatalogSubject catalog = any_catalog();
  CHECK(must(catalog->paths_after("", "", 10)).empty());
  catalog.update([&](Catalog::Update& to) {
    StreamId id = 0;
    for (const char* path : {"b", "a/2", "a", "a/10", "c\xC3\xA4", "ab"})
      must(to.put(sample_stream(++id, path)));
  });
  const Paths all{"a", "a/10", "a/2", "ab", "b", "c\xC3\xA4"};
  CHECK(must(catalog->paths_after("", "", 10)) == all);
  CHECK(must(catalog->paths_after("", "", 2)) == Paths{"a", "a/10"});
  CHECK(must(catalog->paths_after("", "a/10", 2)) == Paths{"a/2", "ab"});
  CHECK(must(catalog->paths_after("", "a/11", 10)) == Paths{"a/2", "ab", "b", "c\xC3\xA4"});
  CHECK(must(catalog->paths_after("a/", "", 10)) == Paths{"a/10", "a/2"});
  CHECK(must(catalog->paths_after("a", "a", 10)) == Paths{"a/10", "a/2", "ab"});
  CHECK(must(catalog->paths_after("a", "0", 1)) == Paths{"a"});
  CHECK(must(catalog->paths_after("a", "b", 10)).empty());
  CHECK(must(catalog->paths_after(std::string(700, 'b'), "", 10)).empty());
  CHECK(must(catalog->paths_after("", std::string(700, 'a'), 10)) == Paths{"ab", "b", "c\xC3\xA4"});
  catalog.erase(1);
  CHECK(must(catalog->paths_after("", "ab", 10)) == Paths{"c\xC3\xA4"});
}

TEST_CASE("packs and the catalog's own state are kept", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  const CatalogMeta meta{.store_id = kPositionMax,
                         .settled = 7,
                         .settling = 9,
                         .next_stream_id = 70,
                         .next_pack_id = 8,
                         .clean = true,
                         .may_lose = true,
                         .read_sequence = kPositionMax,
                         .ttl_floor = at_ms(-1)};
  catalog.update([&](Catalog::Update& to) {
    must(to.put_pack({300, 1, 2, 0}));
    must(to.put_pack({2, 10, 20, 0}));
    must(to.put_pack({2, 10, 25, 0}));
    must(to.put_pack({5, 1, 1, 0}));
    must(to.erase_pack(5));
    must(to.erase_pack(6));
    must(to.put_meta(meta));
  });
  catalog.reopen();
  CHECK(must(catalog->packs()) == std::vector<PackInfo>{{2, 10, 25, 0}, {300, 1, 2, 0}});
  CHECK(must(catalog->meta()) == meta);
}

TEST_CASE("the catalog counts what it was given, of each update all or nothing",
          "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  SettledStream owed = sample_stream(1, "a");
  owed.releases_owed = 3;
  catalog.update([&](Catalog::Update& to) {
    must(to.put_pack({1, 500, 40, 40}));
    must(to.put(owed));
    must(to.put(sample_stream(2, "b")));
    must(to.put_extent(1, {0, 10, 1, 64, 0}));
    must(to.put_extent(2, {5, 35, 1, 128, 0}));
    for (const char* producer : {"p", "q"}) must(to.put_producer(1, producer, {}));
    must(to.put_producer(2, "p", {}));
  });
  CHECK(must(catalog->totals()) == CatalogTotals{2, 40, 3, 3});
  CHECK(must(catalog->packs()) == std::vector<PackInfo>{{1, 500, 40, 40}});

  // A settling that is tried again puts all of it again, into another pack.
  catalog.update([&](Catalog::Update& to) {
    must(to.put_pack({2, 500, 10, 10}));
    must(to.put(owed));
    must(to.put_extent(1, {0, 10, 2, 64, 0}));
    must(to.put_producer(1, "p", {}));
  });
  CHECK(must(catalog->totals()) == CatalogTotals{2, 40, 3, 3});
  CHECK(must(catalog->packs()) == std::vector<PackInfo>{{1, 500, 40, 30}, {2, 500, 10, 10}});

  {
    const auto update = must(catalog->begin());
    must(update->erase(2));
  }
  CHECK(must(catalog->totals()) == CatalogTotals{2, 40, 3, 3});

  catalog.update([&](Catalog::Update& to) {
    std::vector<Extent> freed;
    must(to.put_pack({3, 500, 10, 10}));
    must(to.replace_extents(1, {0, 10, 3, 64, 0}, freed));
    must(to.put_pack({3, 500, 10, 0}));
    must(to.erase(2));
    must(to.erase(2));
    owed.releases_owed = 1;
    must(to.put(owed));
    must(to.erase_producer(1, "q"));
    must(to.erase_producer(1, "q"));
  });
  catalog.reopen();
  CHECK(must(catalog->totals()) == CatalogTotals{1, 10, 1, 1});
  CHECK(must(catalog->packs()) ==
        std::vector<PackInfo>{{1, 500, 40, 0}, {2, 500, 10, 0}, {3, 500, 10, 10}});
  catalog.erase(1);
  CHECK(must(catalog->totals()) == CatalogTotals{});
}

TEST_CASE("reads go on beside an update, each before or after it", "[store_file][catalog]") {
  CatalogSubject catalog = any_catalog();
  catalog.put(sample_stream(1, "a"));
  constexpr Lsn kUpdates = 40;
  std::vector<std::thread> readers;
  std::vector<std::string> faults(3);
  for (std::string& fault : faults) {
    readers.emplace_back([&catalog, &fault] {
      Lsn seen = 0;
      while (seen < kUpdates && fault.empty()) {
        const Result<std::optional<SettledStream>> found = catalog->find(1);
        const Result<std::vector<SettledStream>> walked = catalog->streams_after(0, 2);
        if (!found || !walked) {
          fault = found ? walked.error().message : found.error().message;
        } else if (!*found || (*found)->lsn < seen || walked->size() != 1) {
          fault = "after " + std::to_string(seen) + " came " +
                  (*found ? std::to_string((*found)->lsn) : std::string("none")) + ", and " +
                  std::to_string(walked->size()) + " streams";
        } else {
          seen = (*found)->lsn;
        }
      }
    });
  }
  for (Lsn lsn = 2; lsn <= kUpdates; ++lsn) catalog.put(sample_stream(1, "a", lsn));
  for (std::thread& reader : readers) reader.join();
  for (const std::string& fault : faults) CHECK(fault == "");
}

}  // namespace durable_streams
