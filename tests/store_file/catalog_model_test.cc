// Random updates of every catalog beside a naive model.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/file/catalog.h"
#include "tests/store_file/catalog_subject.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

// What a catalog must answer, kept naively, and random updates of both.
class CatalogModel {
 public:
  explicit CatalogModel(std::uint64_t seed) : random_(seed) {}

  Random& random() { return random_; }

  void change(Catalog::Update& to) {
    const StreamId id = 1 + random_.below(kIds);
    switch (random_.below(8)) {
      case 0:
        return erase(to, id);
      case 1: {
        const std::string producer(random_.below(257), static_cast<char>('a' + random_.below(2)));
        const ProducerState state{random_.below(9), random_.below(kPositionMax)};
        producers_[{id, producer}] = state;
        return must(to.put_producer(id, producer, state));
      }
      case 2:
      case 3:
        return extend(to, id);
      case 4:
        return merge(to, id);
      default:
        return put(to, id);
    }
  }

  void check(Catalog& catalog) const {
    for (StreamId id = 1; id <= kIds; ++id) {
      const std::optional<SettledStream> found = must(catalog.find(id));
      const auto expected = streams_.find(id);
      REQUIRE(found.has_value() == (expected != streams_.end()));
      if (found) REQUIRE(same(*found, expected->second));
      const std::uint64_t from = id * 100;
      std::vector<Extent> overlapping;
      const auto of = extents_.find(id);
      if (of != extents_.end()) {
        for (const Extent& each : of->second) {
          if (each.to > from && each.from < from + 500) overlapping.push_back(each);
        }
      }
      REQUIRE(must(catalog.extents(id, from, from + 500)) == overlapping);
    }
    for (const auto& [path, id] : paths_) REQUIRE(must(catalog.find_path(path)) == id);
    std::map<StreamId, std::uint64_t> counts;
    for (const auto& [key, state] : producers_) {
      REQUIRE(must(catalog.find_producer(key.first, key.second)) == state);
      ++counts[key.first];
    }
    for (StreamId id = 1; id <= kIds; ++id)
      REQUIRE(must(catalog.count_producers(id)) == counts[id]);
    check_walks(catalog);
  }

 private:
  static constexpr StreamId kIds = 60;

  void check_walks(Catalog& catalog) const {
    std::vector<DueStream> due;
    for (const auto& [id, stream] : streams_) {
      const StreamRecord& record = stream.record;
      if (!record.soft_deleted && record.deadline != kNever) due.push_back({record.deadline, id});
    }
    std::sort(due.begin(), due.end());
    REQUIRE(must(catalog.due(CatalogSubject::kBefore, kNever, 1000)) == due);
    const std::vector<SettledStream> walked = must(catalog.streams_after(0, 1000));
    REQUIRE(walked.size() == streams_.size());
    auto expected = streams_.begin();
    for (const SettledStream& stream : walked) REQUIRE(same(stream, (expected++)->second));
  }

  std::string path_of(StreamId id) const {
    return std::string(1 + id * 7, 'x') + std::to_string(id);
  }

  void put(Catalog::Update& to, StreamId id) {
    SettledStream stream = sample_stream(id, path_of(id), ++lsn_);
    StreamRecord& record = stream.record;
    record.tail.position = random_.below(std::uint64_t{1} << (1 + random_.below(40)));
    if (random_.one_in(2)) record.deadline = at_ms(static_cast<std::int64_t>(random_.below(100)));
    record.soft_deleted = random_.one_in(5);
    record.stream_seq.assign(random_.below(257), 'q');
    record.content_type.assign(random_.one_in(10) ? 3000 : 10,
                               't');  // larger ones leave their page
    streams_[id] = stream;
    paths_[record.path] = id;
    must(to.put(stream));
  }

  void erase(Catalog::Update& to, StreamId id) {
    must(to.erase(id));
    extents_.erase(id);
    streams_.erase(id);
    paths_[path_of(id)] = std::nullopt;
    std::erase_if(producers_, [&](const auto& entry) { return entry.first.first == id; });
  }

  void extend(Catalog::Update& to, StreamId id) {
    std::vector<Extent>& own = extents_[id];
    const std::uint64_t from = own.empty() ? random_.below(1000) : own.back().to + random_.below(2);
    own.push_back({from, from + 1 + random_.below(300), ++lsn_, random_.below(1 << 30), 0});
    must(to.put_extent(id, own.back()));
  }

  void merge(Catalog::Update& to, StreamId id) {
    std::vector<Extent>& own = extents_[id];
    if (own.size() < 2) return;
    const std::size_t first = random_.below(own.size() - 1);
    const std::size_t last = first + random_.below(own.size() - first);
    const Extent merged{own[first].from, own[last].to, ++lsn_, 64, random_.below(1 << 20)};
    const auto begin = own.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = own.begin() + static_cast<std::ptrdiff_t>(last) + 1;
    const std::vector<Extent> replaced(begin, end);
    std::vector<Extent> freed;
    must(to.replace_extents(id, merged, freed));
    REQUIRE(freed == replaced);
    own.insert(own.erase(begin, end), merged);
  }

  std::map<StreamId, SettledStream> streams_;
  std::map<std::string, std::optional<StreamId>> paths_;
  std::map<StreamId, std::vector<Extent>> extents_;
  std::map<std::pair<StreamId, std::string>, ProducerState> producers_;
  Lsn lsn_ = 0;
  Random random_;
};

}  // namespace

TEST_CASE("random updates leave what a model says, also after opening again",
          "[store_file][catalog][random]") {
  CatalogSubject catalog = any_catalog();
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  CatalogModel model(seed);
  for (int round = 0; round < 60; ++round) {
    {
      CatalogModel next = model;
      const std::unique_ptr<Catalog::Update> update = must(catalog->begin());
      const std::uint64_t changes = 1 + next.random().below(120);
      for (std::uint64_t i = 0; i < changes; ++i) next.change(*update);
      const bool dropped = next.random().one_in(4);
      if (dropped) {
        model.random() = next.random();
      } else {
        must(update->commit());
        model = next;
      }
    }
    if (model.random().one_in(3)) catalog.reopen();
    if (round % 6 == 5) model.check(*catalog.operator->());
  }
}

}  // namespace durable_streams
