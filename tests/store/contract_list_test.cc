// The contract of listings: by path, page after page, each stream that stays once.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/store/store_contract.h"

namespace durable_streams {

namespace {

using Mode = RemoveChange::Mode;
using Paths = std::vector<std::string>;

Paths paths_of(const StreamList& list) {
  Paths paths;
  for (const StreamRecord& record : list.streams) paths.push_back(record.path);
  return paths;
}

// All pages of a listing, `count_max` at a time.
Paths all_paths(StoreContract& contract, std::string_view prefix, std::size_t count_max) {
  Paths all;
  std::string after;
  while (true) {
    const StreamList page = contract.list(prefix, after, count_max);
    CHECK(page.streams.size() <= count_max);
    for (const StreamRecord& record : page.streams) all.push_back(record.path);
    if (!page.next) return all;
    REQUIRE(*page.next > after);
    after = *page.next;
  }
}

}  // namespace

TEST_CASE("a store lists its streams in the order of their paths' bytes", "[store][list]") {
  StoreContract contract;
  CHECK(all_paths(contract, "", 10).empty());
  for (const char* path : {"b", "a/2", "a/10", "a", "c\xC3\xA4", "cz", "B", "a.b"}) {
    contract.create(path);
  }
  const Paths expected = {"B", "a", "a.b", "a/10", "a/2", "b", "cz", "c\xC3\xA4"};
  CHECK(all_paths(contract, "", 1000) == expected);
  for (const std::size_t count_max : {1, 2, 3, 7, 8, 9}) {
    CHECK(all_paths(contract, "", count_max) == expected);
  }
  if (contract.reopen()) {
    for (const std::size_t count_max : {1, 3, 100}) {
      CHECK(all_paths(contract, "", count_max) == expected);
    }
  }
}

TEST_CASE("a listing keeps to its prefix, and begins after a path", "[store][list]") {
  StoreContract contract;
  for (const char* path : {"a", "a/b", "a/b/c", "a/c", "ab", "b"}) contract.create(path);
  CHECK(all_paths(contract, "a", 2) == Paths{"a", "a/b", "a/b/c", "a/c", "ab"});
  CHECK(all_paths(contract, "a/", 1) == Paths{"a/b", "a/b/c", "a/c"});
  CHECK(all_paths(contract, "a/b", 5) == Paths{"a/b", "a/b/c"});
  CHECK(all_paths(contract, "none", 5).empty());
  CHECK(all_paths(contract, std::string(600, 'a'), 5).empty());
  CHECK(paths_of(contract.list("", "a/b", 100)) == Paths{"a/b/c", "a/c", "ab", "b"});
  CHECK(paths_of(contract.list("", "a/bb", 100)) == Paths{"a/c", "ab", "b"});
  CHECK(paths_of(contract.list("a", "Z", 100)).front() == "a");
  CHECK(contract.list("a", "b", 100).streams.empty());
}

TEST_CASE("a listing tells each stream's record", "[store][list]") {
  StoreContract contract;
  contract.create("a", "bytes");
  contract.create_until("b", at_second(1000));
  contract.append("a", "more");
  const StreamList list = contract.list("", "", 10);
  REQUIRE(paths_of(list) == Paths{"a", "b"});
  for (const StreamRecord& listed : list.streams) {
    const StreamRecord loaded = contract.at(listed.path);
    CHECK(listed.id == loaded.id);
    CHECK(listed.tail == loaded.tail);
    CHECK(listed.version == loaded.version);
    CHECK(listed.content_type == loaded.content_type);
    CHECK(listed.deadline == loaded.deadline);
  }
}

TEST_CASE("a listing leaves out what was removed, and shows what came in its place",
          "[store][list]") {
  StoreContract contract;
  for (const char* path : {"a", "b", "c", "d"}) contract.create(path, "x");
  contract.fork("b", "f", 1);
  // What is settled by now must not come back.
  if (contract.reopen()) CHECK(all_paths(contract, "", 10) == Paths{"a", "b", "c", "d", "f"});
  contract.remove("a", Mode::kFull).value();
  contract.remove("b", Mode::kSoft).value();
  contract.remove("c", Mode::kFull).value();
  const StreamRecord again = contract.create("c");
  for (const std::size_t count_max : {1, 2, 10}) {
    CHECK(all_paths(contract, "", count_max) == Paths{"c", "d", "f"});
  }
  CHECK(contract.list("c", "", 1).streams.front().id == again.id);
  if (contract.reopen()) CHECK(all_paths(contract, "", 2) == Paths{"c", "d", "f"});
}

TEST_CASE("a long listing comes whole over its pages", "[store][list]") {
  StoreContract contract;
  Paths expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back("p/" + std::to_string(i * 7919 % 1000));
    contract.create(expected.back());
    if (i == 150) contract.reopen();
  }
  std::sort(expected.begin(), expected.end());
  for (const std::size_t count_max : {17, 100, 299, 300, 1000}) {
    CHECK(all_paths(contract, "p/", count_max) == expected);
  }
}

}  // namespace durable_streams
