// The contract of reads: which bytes a page has, where it is cut, and how forks show what they
// inherit.
#include <string>
#include <string_view>
#include <vector>

#include "tests/store/store_contract.h"

namespace durable_streams {

namespace {

using Mode = RemoveChange::Mode;

// Reads a whole stream in pages, as a client does.
std::vector<std::string> pages(StoreContract& contract, std::string_view path,
                               std::size_t bytes_max) {
  const StreamRecord record = contract.at(path);
  std::vector<std::string> found;
  for (std::uint64_t from = 0; from < record.tail.position;) {
    const StoredBytes page =
        contract
            .read(
                {.id = record.id, .from = from, .to = record.tail.position, .bytes_max = bytes_max})
            .value();
    found.push_back(text_of(page));
    REQUIRE(page.end == from + found.back().size());
    REQUIRE(page.end > from);
    from = page.end;
  }
  return found;
}

using Pages = std::vector<std::string>;

}  // namespace

TEST_CASE("a read gives the bytes of its range, and what follows them", "[store][read]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "hello ").id;
  contract.append("a", "world");
  const StoredBytes all = contract.read({.id = id, .from = 0, .to = 11, .bytes_max = 100}).value();
  CHECK(text_of(all) == "hello world");
  CHECK(all.end == 11);
  const StoredBytes part = contract.read({.id = id, .from = 3, .to = 8, .bytes_max = 100}).value();
  CHECK(text_of(part) == "lo wo");
  CHECK(part.end == 8);
  const StoredBytes none = contract.read({.id = id, .from = 4, .to = 4, .bytes_max = 100}).value();
  CHECK(text_of(none).empty());
  CHECK(none.end == 4);
}

TEST_CASE("a page of bytes is cut at the last end of an append that fits", "[store][read]") {
  StoreContract contract;
  contract.create("a", "aaa");
  for (const std::string_view body : {"bbbb", "cc", "ddddd"}) contract.append("a", body);
  CHECK(contract.text("a", 0, 14) == "aaabbbbccddddd");
  CHECK(contract.text("a", 0, 13) == "aaabbbbcc");
  CHECK(contract.text("a", 0, 9) == "aaabbbbcc");
  CHECK(contract.text("a", 0, 8) == "aaabbbb");
  CHECK(contract.text("a", 1, 6) == "aabbbb");
  CHECK(contract.text("a", 1, 5) == "aa");
  CHECK(contract.text("a", 3, 5) == "bbbb");
  CHECK(pages(contract, "a", 7) == Pages{"aaabbbb", "ccddddd"});
  if (contract.reopen()) CHECK(pages(contract, "a", 7) == Pages{"aaabbbb", "ccddddd"});
}

TEST_CASE("an append larger than a page is cut anywhere", "[store][read]") {
  StoreContract contract;
  contract.create("a", "aaa");
  contract.append("a", "bbbbbbb");
  CHECK(contract.text("a", 0, 2) == "aa");
  CHECK(contract.text("a", 3, 4) == "bbbb");
  CHECK(pages(contract, "a", 4) == Pages{"aaa", "bbbb", "bbb"});
}

TEST_CASE("a range that fits its page is not cut", "[store][read]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "aaa").id;
  contract.append("a", "bbbb");
  const ReadRange range{.id = id, .from = 1, .to = 5, .bytes_max = 4};
  CHECK(text_of(contract.read(range).value()) == "aabb");
}

TEST_CASE("a page of JSON is cut at the last end of a message that fits", "[store][read]") {
  StoreContract contract;
  contract.create_json("a", "1,\n22,\n");
  contract.append("a", "333,\n\",\\n\",\n");
  CHECK(contract.text("a") == "1,\n22,\n333,\n\",\\n\",\n");
  CHECK(contract.text("a", 0, 18) == "1,\n22,\n333,\n");
  CHECK(contract.text("a", 0, 12) == "1,\n22,\n333,\n");
  CHECK(contract.text("a", 0, 11) == "1,\n22,\n");
  CHECK(contract.text("a", 3, 4) == "22,\n");
  CHECK(contract.text("a", 1, 5) == ",\n");
  CHECK(pages(contract, "a", 8) == Pages{"1,\n22,\n", "333,\n", "\",\\n\",\n"});
}

TEST_CASE("a JSON message larger than its page comes whole and alone", "[store][read]") {
  StoreContract contract;
  const std::string large = "\"" + std::string(1'000'000, 'x') + "\",\n";
  contract.create_json("a", "1,\n");
  contract.append("a", large + "2,\n");
  contract.append("a", "3,\n");
  CHECK(contract.text("a", 0, 10) == "1,\n");
  CHECK(contract.text("a", 3, 10) == large);
  CHECK(contract.text("a", 3, 0) == large);
  CHECK(contract.text("a", 3 + large.size(), 1) == "2,\n");
  CHECK(contract.text("a", 3 + large.size(), 5) == "2,\n");
  CHECK(contract.text("a", 3 + large.size(), 6) == "2,\n3,\n");
  CHECK(pages(contract, "a", 10) == Pages{"1,\n", large, "2,\n3,\n"});
}

TEST_CASE("each JSON message comes whole, wherever it lies", "[store][read]") {
  StoreContract contract;
  contract.create_json("source");
  std::vector<std::string> messages;
  const auto append = [&](std::string_view path) {
    const std::size_t size = 1 + messages.size() * 71 % 400;
    messages.push_back("\"" + std::string(size, 'x') + "\",\n");
    contract.append(path, messages.back());
  };
  for (int i = 0; i < 100; ++i) append("source");
  contract.fork("source", "fork", contract.at("source").tail.position);
  for (int i = 0; i < 100; ++i) append("fork");
  std::uint64_t from = 0;
  for (const std::string& message : messages) {
    CHECK(contract.text("fork", from, 1) == message);
    CHECK(contract.text("fork", from, message.size()) == message);
    CHECK(contract.text("fork", from + 1, message.size()) == message.substr(1));
    from += message.size();
  }
}

TEST_CASE("bytes are the same however they came", "[store][read]") {
  StoreContract contract;
  contract.create("a");
  std::string expected;
  for (std::size_t i = 0; i < 400; ++i) {
    const std::string body(1 + i * 37 % 1500, static_cast<char>('a' + i % 26));
    expected += body;
    contract.append("a", body);
  }
  CHECK(contract.text("a") == expected);
  std::string joined;
  for (const std::string& page : pages(contract, "a", 5000)) joined += page;
  CHECK(joined == expected);
  for (std::size_t from = 0; from < expected.size(); from += 9973) {
    CHECK(contract.text("a", from, SIZE_MAX) == expected.substr(from));
  }
}

TEST_CASE("slices outlive later appends and the stream itself", "[store][read]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "before").id;
  const StoredBytes kept = contract.read({.id = id, .from = 0, .to = 6, .bytes_max = 6}).value();
  for (int i = 0; i < 200; ++i) contract.append("a", "after");
  CHECK(text_of(kept) == "before");
  contract.remove("a", Mode::kFull).value();
  contract.create("a", "another");
  CHECK(text_of(kept) == "before");
}

TEST_CASE("a fork shows its source up to where it left it, then its own", "[store][read]") {
  StoreContract contract;
  contract.create("source", "01234");
  contract.append("source", "56789");
  contract.fork("source", "fork", 7, "abc");
  contract.append("source", "XXXX");
  contract.append("fork", "def");
  CHECK(contract.text("fork") == "0123456abcdef");
  CHECK(contract.text("fork", 3) == "3456abcdef");
  CHECK(contract.text("fork", 6) == "6abcdef");
  CHECK(contract.text("fork", 7) == "abcdef");
  CHECK(contract.text("fork", 9) == "cdef");
  CHECK(contract.text("source") == "0123456789XXXX");
  if (contract.reopen()) CHECK(contract.text("fork") == "0123456abcdef");
}

TEST_CASE("a fork's page is cut at ends of appends, and where it leaves its source",
          "[store][read]") {
  StoreContract contract;
  contract.create("source", "01234");
  contract.append("source", "56789");
  contract.fork("source", "fork", 7, "abc");
  contract.append("fork", "def");
  CHECK(contract.text("fork", 0, 12) == "0123456abc");
  CHECK(contract.text("fork", 0, 9) == "0123456");
  CHECK(contract.text("fork", 0, 7) == "0123456");
  CHECK(contract.text("fork", 0, 6) == "01234");
  CHECK(contract.text("fork", 0, 4) == "0123");
  CHECK(contract.text("fork", 5, 3) == "56");
  CHECK(contract.text("fork", 6, 1) == "6");
  CHECK(contract.text("fork", 7, 2) == "ab");
  CHECK(pages(contract, "fork", 4) == Pages{"0123", "456", "abc", "def"});
}

TEST_CASE("a JSON fork's page is cut at messages across what it inherits", "[store][read]") {
  StoreContract contract;
  contract.create_json("source", "1,\n22,\n333,\n");
  contract.fork("source", "fork", 7, "\"a\",\n");
  contract.append("fork", "\"b\",\n");
  CHECK(contract.text("fork") == "1,\n22,\n\"a\",\n\"b\",\n");
  CHECK(contract.text("fork", 0, 13) == "1,\n22,\n\"a\",\n");
  CHECK(contract.text("fork", 0, 11) == "1,\n22,\n");
  CHECK(contract.text("fork", 3, 1) == "22,\n");
  CHECK(contract.text("fork", 5, 2) == ",\n");
  CHECK(contract.text("fork", 7, 2) == "\"a\",\n");
}

TEST_CASE("a fork of a fork may leave before its source did", "[store][read]") {
  StoreContract contract;
  contract.create("a", "0123456789");
  contract.fork("a", "b", 6, "bbb");
  contract.fork("b", "c", 3, "ccc");
  contract.fork("b", "d", 8, "ddd");
  contract.fork("c", "e", 0, "eee");
  contract.fork("d", "f", 6, "fff");
  CHECK(contract.text("c") == "012ccc");
  CHECK(contract.text("d") == "012345bbddd");
  CHECK(contract.text("e") == "eee");
  CHECK(contract.text("f") == "012345fff");
  CHECK(pages(contract, "d", 7) == Pages{"012345", "bbddd"});
  CHECK(pages(contract, "f", 8) == Pages{"012345", "fff"});
  CHECK(pages(contract, "c", 4) == Pages{"012", "ccc"});
}

TEST_CASE("a chain of forks may have any length", "[store][read]") {
  StoreContract contract;
  constexpr std::uint64_t kForks = 2000;
  contract.create("0", "x");
  std::string expected = "x";
  for (std::uint64_t i = 1; i <= kForks; ++i) {
    const std::string own(1, static_cast<char>('a' + i % 26));
    contract.fork(std::to_string(i - 1), std::to_string(i), i, own);
    expected += own;
  }
  const std::string last = std::to_string(kForks);
  CHECK(contract.text(last) == expected);
  CHECK(contract.text(last, 1000) == expected.substr(1000));
  CHECK(contract.append_end(contract.at(last).id, 0).value() == 1);
}

TEST_CASE("a soft-deleted chain of sources is shown whole", "[store][read]") {
  StoreContract contract;
  contract.create("a", "aaaa");
  contract.fork("a", "b", 3, "bbb");
  contract.fork("b", "c", 5, "ccc");
  contract.remove("a", Mode::kSoft).value();
  contract.remove("b", Mode::kSoft).value();
  CHECK(contract.text("c") == "aaabbccc");
}

TEST_CASE("the end of an append is found from each of its bytes", "[store][read]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "aaa").id;
  contract.append("a", "b");
  contract.append("a", "cc");
  const std::vector<std::uint64_t> ends = {3, 3, 3, 4, 6, 6};
  for (std::uint64_t position = 0; position < ends.size(); ++position) {
    CHECK(contract.append_end(id, position).value() == ends[position]);
  }
}

TEST_CASE("a close without bytes is not an append to be found", "[store][read]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "aaa").id;
  AppendChange close = contract.append_to("a", "");
  close.close = true;
  contract.commit(close).value();
  CHECK(contract.append_end(id, 2).value() == 3);
  CHECK(contract.text("a", 0, 3) == "aaa");
}

TEST_CASE("an inherited append ends at the latest where the fork leaves", "[store][read]") {
  StoreContract contract;
  contract.create("a", "0123");
  contract.append("a", "456789");
  const StreamId b = contract.fork("a", "b", 7, "bbb").id;
  const StreamId c = contract.fork("b", "c", 5).id;
  CHECK(contract.append_end(b, 3).value() == 4);
  CHECK(contract.append_end(b, 4).value() == 7);
  CHECK(contract.append_end(b, 6).value() == 7);
  CHECK(contract.append_end(b, 7).value() == 10);
  CHECK(contract.append_end(c, 0).value() == 4);
  CHECK(contract.append_end(c, 4).value() == 5);
}

TEST_CASE("large appends keep their ends", "[store][read]") {
  StoreContract contract;
  const StreamId id = contract.create("a").id;
  std::vector<std::uint64_t> ends;
  std::uint64_t end = 0;
  for (const std::size_t size : {10U, 300'000U, 5U, 40'000U, 1U, 2'000'000U, 100U}) {
    const std::string body(size, 'x');
    AppendChange change = contract.append_to("a", body);
    if (size % 2 == 0) change.owned = Slice::copy_of(body);
    contract.commit(change).value();
    ends.push_back(end += size);
  }
  std::uint64_t begin = 0;
  for (const std::uint64_t each : ends) {
    CHECK(contract.append_end(id, begin).value() == each);
    CHECK(contract.append_end(id, each - 1).value() == each);
    CHECK(contract.text("a", begin, each - begin).size() == each - begin);
    begin = each;
  }
  CHECK(contract.text("a", 0, 300'009).size() == 10);
  CHECK(contract.text("a", 0, 300'014).size() == 300'010);
  CHECK(contract.text("a", 0, 340'015).size() == 340'015);
}

}  // namespace durable_streams
