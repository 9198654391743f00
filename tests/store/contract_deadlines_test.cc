// The contract of deadlines: kept in order, and found without looking at streams that are not due.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/store/store_contract.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

using Mode = RemoveChange::Mode;

std::vector<std::string> paths_of(const std::vector<ExpiredStream>& streams) {
  std::vector<std::string> paths;
  for (const ExpiredStream& stream : streams) paths.push_back(stream.path);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("a store without deadlines has kNever as the earliest", "[store][deadline]") {
  StoreContract contract;
  CHECK(contract.store().earliest_deadline() == kNever);
  contract.create("a");
  CHECK(contract.store().earliest_deadline() == kNever);
  CHECK(contract.expired(at_second(1'000'000), 10).empty());
}

TEST_CASE("the earliest deadline follows creates, changes and removals", "[store][deadline]") {
  StoreContract contract;
  contract.create_until("a", at_second(30));
  CHECK(contract.store().earliest_deadline() == at_second(30));
  contract.create_until("b", at_second(20));
  CHECK(contract.store().earliest_deadline() == at_second(20));
  contract.create_until("c", at_second(40));
  CHECK(contract.store().earliest_deadline() == at_second(20));
  contract.commit(DeadlineChange{.id = contract.at("b").id, .deadline = at_second(50)}).value();
  CHECK(contract.store().earliest_deadline() == at_second(30));
  contract.remove("a", Mode::kFull).value();
  CHECK(contract.store().earliest_deadline() == at_second(40));
  contract.commit(DeadlineChange{.id = contract.at("c").id, .deadline = kNever}).value();
  CHECK(contract.store().earliest_deadline() == at_second(50));
  contract.remove("b", Mode::kFull).value();
  CHECK(contract.store().earliest_deadline() == kNever);
}

TEST_CASE("due streams come earliest first, and no more than asked for", "[store][deadline]") {
  StoreContract contract;
  for (const int second : {50, 20, 40, 10, 30}) {
    contract.create_until("at " + std::to_string(second), at_second(second));
  }
  CHECK(contract.expired(at_second(9), 10).empty());
  CHECK(paths_of(contract.expired(at_second(10), 10)) == Paths{"at 10"});
  CHECK(paths_of(contract.expired(at_second(35), 10)) == Paths{"at 10", "at 20", "at 30"});
  CHECK(paths_of(contract.expired(at_second(35), 2)) == Paths{"at 10", "at 20"});
  CHECK(contract.expired(at_second(35), 0).empty());
  const std::vector<ExpiredStream> first = contract.expired(at_second(10), 1);
  REQUIRE(first.size() == 1);
  CHECK(first[0].id == contract.at("at 10").id);
}

TEST_CASE("a saved deadline changes nothing else, and needs no version", "[store][deadline]") {
  StoreContract contract;
  contract.create_until("a", at_second(10));
  const StreamRecord before = contract.at("a");
  contract.commit(DeadlineChange{.id = before.id, .deadline = at_second(20)}).value();
  const StreamRecord after = contract.at("a");
  CHECK(after.deadline == at_second(20));
  CHECK(after.version == before.version);
  CHECK(after.expiry == before.expiry);
  CHECK(contract.expired(at_second(19), 10).empty());
  if (contract.reopen()) {
    CHECK(contract.at("a").deadline == at_second(20));
    CHECK(contract.store().earliest_deadline() == at_second(20));
  }
}

TEST_CASE("a deadline of a stream that is gone is ignored", "[store][deadline]") {
  StoreContract contract;
  const StreamId id = contract.create_until("a", at_second(10)).id;
  contract.remove("a", Mode::kFull).value();
  contract.commit(DeadlineChange{.id = id, .deadline = at_second(5)}).value();
  CHECK(contract.store().earliest_deadline() == kNever);
  CHECK(contract.expired(at_second(100), 10).empty());
}

TEST_CASE("a soft-deleted stream has no deadline", "[store][deadline]") {
  StoreContract contract;
  const StreamId id = contract.create_until("a", at_second(10)).id;
  contract.fork("a", "b", 0);
  contract.remove("a", Mode::kSoft).value();
  CHECK(contract.store().earliest_deadline() == kNever);
  CHECK(contract.expired(at_second(100), 10).empty());
  contract.commit(DeadlineChange{.id = id, .deadline = at_second(5)}).value();
  CHECK(contract.store().earliest_deadline() == kNever);
  if (contract.reopen()) CHECK(contract.store().earliest_deadline() == kNever);
}

TEST_CASE("an append leaves the saved deadline", "[store][deadline]") {
  StoreContract contract;
  contract.create_until("a", at_second(10));
  contract.append("a", "bytes");
  CHECK(contract.at("a").deadline == at_second(10));
  CHECK(contract.store().earliest_deadline() == at_second(10));
}

// A store that settles moves deadlines between its parts all the time.
TEST_CASE("what is told of deadlines is exact after every change", "[store][deadline][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  StoreContract contract;
  std::vector<std::int64_t> seconds(6);
  std::vector<StreamId> ids;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    seconds[i] = 1 + static_cast<std::int64_t>(random.below(1000));
    ids.push_back(contract.create_until("stream " + std::to_string(i), at_second(seconds[i])).id);
  }
  for (int step = 0; step < 3000; ++step) {
    const std::size_t changed = random.below(seconds.size());
    seconds[changed] = 1 + static_cast<std::int64_t>(random.below(1000));
    contract.commit(DeadlineChange{.id = ids[changed], .deadline = at_second(seconds[changed])})
        .value();
    const auto earliest = std::min_element(seconds.begin(), seconds.end());
    INFO("step " << step);
    REQUIRE(contract.store().earliest_deadline() == at_second(*earliest));
    const std::vector<ExpiredStream> first = contract.expired(at_second(*earliest), 1);
    REQUIRE(first.size() == 1);
    const auto found = std::find(ids.begin(), ids.end(), first[0].id);
    REQUIRE(found != ids.end());
    REQUIRE(seconds[static_cast<std::size_t>(found - ids.begin())] == *earliest);
  }
}

}  // namespace durable_streams
