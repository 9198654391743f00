// Producers in flight: how many there may be, and what a refused append gives back.
#include <string>
#include <vector>

#include "tests/engine/waiting_fixture.h"

namespace durable_streams {

TEST_CASE("new producers in flight count, and give their places back when they are refused",
          "[engine][waiting][producer]") {
  WaitingFixture fixture(EngineOptions{.producers_per_stream_max = 2});
  fixture.create("a");
  fixture.settle();
  const auto send = [&](std::string_view id) -> Answer<Appended>& {
    return fixture.append("a", "x", {.producer = {id, 0, 0}});
  };
  const auto& first = send("p");
  const auto& second = send("q");
  const auto& third = send("r");
  fixture.loop.run_until_idle();
  CHECK(third.waiting());  // the others may be refused yet
  fixture.settle();
  CHECK(first.ok());
  CHECK(second.ok());
  CHECK(third.code() == ErrorCode::kTooMany);

  fixture.create("b");
  fixture.settle();
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.append("b", "x", {.producer = {"p", 0, 0}});
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  for (const char* id : {"q", "r"}) {
    const auto& sent = fixture.append("b", "x", {.producer = {id, 0, 0}});
    fixture.settle();
    CHECK(sent.ok());
  }
}

TEST_CASE("producers in flight take different places of those that may go",
          "[engine][waiting][producer]") {
  for (const bool loads_wait : {false, true}) {
    WaitingFixture fixture(
        EngineOptions{.producers_per_stream_max = 100, .producer_ttl = std::chrono::seconds(10)});
    fixture.store.set_waits({.changes = true, .loads = loads_wait});
    fixture.create("a");
    fixture.settle();
    const auto send_all = [&](const std::string& prefix, int count) {
      const std::size_t before = fixture.appended.size();
      std::vector<std::string> ids;
      for (int i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
      for (const std::string& id : ids) fixture.append("a", "x", {.producer = {id, 0, 0}});
      fixture.settle();
      int accepted = 0;
      for (std::size_t i = before; i < fixture.appended.size(); ++i) {
        if (fixture.appended[i].ok()) {
          ++accepted;
        } else {
          CHECK(fixture.appended[i].code() == ErrorCode::kTooMany);
        }
      }
      return accepted;
    };
    CHECK(send_all("p", 120) == 100);
    fixture.clock.advance(std::chrono::seconds(11));
    CHECK(send_all("q", 120) == 100);
    StreamRecord record;
    REQUIRE(fixture.memory.load_now("a", record)->value());
    CHECK(record.producers == 100);
    CHECK(fixture.memory.oldest_producers_now(record.id, 1000)->value().size() == 100);
  }
}

TEST_CASE("of many producers in flight none is lost sight of", "[engine][waiting][producer]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.settle();
  constexpr int kProducers = 1500;
  std::vector<std::string> ids;
  for (int i = 0; i < kProducers; ++i) ids.push_back("p" + std::to_string(i));
  const auto send_all = [&](std::uint64_t seq) {
    for (const std::string& id : ids) fixture.append("a", "x", {.producer = {id, 0, seq}});
  };
  const std::size_t before = fixture.appended.size();
  send_all(0);
  fixture.store.commit(kProducers / 2);
  send_all(1);
  send_all(1);  // retries, while the first is in flight
  fixture.settle();
  int duplicates = 0;
  for (std::size_t i = before; i < fixture.appended.size(); ++i) {
    REQUIRE(fixture.appended[i].ok());
    if ((*fixture.appended[i]).duplicate) ++duplicates;
  }
  CHECK(duplicates == kProducers);
  CHECK(fixture.read("a").size() == 2 * kProducers);
  StreamRecord record;
  REQUIRE(fixture.memory.load_now("a", record)->value());
  CHECK(record.producers == kProducers);
}

TEST_CASE("a producer whose place was taken by a refused change is known as before",
          "[engine][waiting][producer]") {
  WaitingFixture fixture(
      EngineOptions{.producers_per_stream_max = 1, .producer_ttl = std::chrono::seconds(10)});
  fixture.create("a");
  fixture.append("a", "x", {.producer = {"p", 3, 0}});
  fixture.settle();
  fixture.clock.advance(std::chrono::seconds(11));
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  fixture.append("a", "x", {.producer = {"q", 0, 0}});
  const auto& meanwhile = fixture.append("a", "x", {.producer = {"p", 3, 0}});
  fixture.settle();
  CHECK_FALSE(meanwhile.ok());
  const auto& later = fixture.append("a", "x", {.producer = {"p", 3, 0}});
  fixture.settle();
  CHECK(later.ok());
  StreamRecord record;
  REQUIRE(fixture.memory.load_now("a", record)->value());
  CHECK(record.producers == 1);
}

}  // namespace durable_streams
