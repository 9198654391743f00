// What clients are told after a recovery that may have lost bytes they saw: offsets beyond what is
// left are gone, those before it read on, and nothing has a name that something else had.
#include <string>

#include "tests/http/endpoint_fixture.h"
#include "tests/support/recovered_store.h"

namespace durable_streams::http {

namespace {

constexpr char kPath[] = "/v1/stream/a";

std::string offset(std::uint64_t sequence, std::uint64_t position) {
  return Offset{.read_sequence = sequence, .position = position}.to_string();
}

std::string at(const std::string& where, const std::string& more = "") {
  return std::string(kPath) + "?offset=" + where + more;
}

// An endpoint over streams that were there before the crash, of which `ab` is left.
struct RecoveredFixture : EndpointFixture {
  explicit RecoveredFixture(std::string_view type = "text/plain", std::string_view left = "ab") {
    CreateOptions options;
    options.content_type = type;
    options.body = left;
    static_cast<void>(streams.create_now("a", options).value());
    endpoint.emplace(recovered_streams, EndpointOptions{.random_seed = 1});
  }
  ~RecoveredFixture() { endpoint.reset(); }

  RecoveredStore recovered_store{store, 1};
  Engine recovered_engine{recovered_store, {.clock = &clock}};
  Streams recovered_streams{recovered_engine, loop};
};

}  // namespace

TEST_CASE("an offset beyond what a crash has left is 410, whatever the request",
          "[http][read-sequence]") {
  RecoveredFixture fixture;
  const auto check = [&] {
    const Response read = fixture.send("GET", at(offset(0, 3)));
    CHECK(read.status == 410);
    CHECK(read.body.find("from before a crash") != std::string::npos);
    CHECK(fixture.send("GET", at(offset(0, 3), "&live=long-poll")).status == 410);
    CHECK(fixture.send("GET", at(offset(0, 3), "&live=sse")).status == 410);
    CHECK(fixture
              .send("PUT", "/v1/stream/fork",
                    {{"Stream-Forked-From", kPath}, {"Stream-Fork-Offset", offset(0, 3)}})
              .status == 410);
  };
  check();  // also before anything was appended
  CHECK(fixture.post(kPath, "xyz").status == 204);
  check();
}

TEST_CASE("an offset at or before what a crash has left reads on", "[http][read-sequence]") {
  RecoveredFixture fixture;
  CHECK(fixture.send("HEAD", kPath)["Stream-Next-Offset"] == offset(0, 2));
  const Response old_tail = fixture.send("GET", at(offset(0, 2)));
  CHECK(old_tail.status == 200);
  CHECK(old_tail["Stream-Next-Offset"] == offset(0, 2));
  CHECK(fixture.post(kPath, "xyz")["Stream-Next-Offset"] == offset(1, 5));
  CHECK(fixture.send("HEAD", kPath)["Stream-Next-Offset"] == offset(1, 5));
  for (const std::uint64_t position : {0, 1, 2}) {
    const Response read = fixture.send("GET", at(offset(0, position)));
    CHECK(read.status == 200);
    CHECK(read.body == std::string("abxyz").substr(position));
    CHECK(read["Stream-Next-Offset"] == offset(1, 5));
  }
  CHECK(fixture.send("GET", at("-1")).body == "abxyz");
  CHECK(fixture.send("GET", at(offset(1, 4))).body == "z");
  CHECK(fixture.send("GET", at(offset(1, 5)))["Stream-Up-To-Date"] == "true");
  CHECK(fixture.send("GET", at(offset(1, 9)))["Stream-Next-Offset"] == offset(1, 5));
}

TEST_CASE("a page is tagged by the sequences that its ends have", "[http][read-sequence]") {
  RecoveredFixture fixture;
  const std::string before = fixture.send("GET", kPath)["ETag"];
  CHECK(fixture.post(kPath, "xyz").status == 204);
  const std::string after = fixture.send("GET", kPath)["ETag"];
  CHECK(before.find("0_0:0_2") != std::string::npos);
  CHECK(after.find("0_0:1_5") != std::string::npos);
  CHECK(fixture.send("GET", kPath, {{"If-None-Match", before}}).status == 200);
  CHECK(fixture.send("GET", kPath, {{"If-None-Match", after}}).status == 304);
}

TEST_CASE("readers at the tail are served what comes in the new sequence",
          "[http][read-sequence]") {
  RecoveredFixture fixture;
  const std::unique_ptr<Call> poll = fixture.get(at(offset(0, 2), "&live=long-poll"));
  const std::unique_ptr<Call> sse = fixture.get(at(offset(0, 2), "&live=sse"));
  CHECK(fixture.post(kPath, "xyz").status == 204);
  fixture.loop.run_until_idle();
  CHECK(poll->response().body == "xyz");
  CHECK(poll->response()["Stream-Next-Offset"] == offset(1, 5));
  CHECK(sse->response().body.find("xyz") != std::string::npos);
  CHECK(sse->response().body.find(offset(1, 5)) != std::string::npos);
}

TEST_CASE("a new stream begins in the new sequence, where a lost one may have been",
          "[http][read-sequence]") {
  RecoveredFixture fixture;
  const std::string path = "/v1/stream/new";
  const Response made = fixture.send("PUT", path, {{"Content-Type", "text/plain"}}, "hello");
  CHECK(made["Stream-Next-Offset"] == offset(1, 5));
  CHECK(fixture.send("GET", path).body == "hello");
  CHECK(fixture.send("GET", path + "?offset=" + offset(0, 0)).body == "hello");
  CHECK(fixture.send("GET", path + "?offset=" + offset(0, 2)).status == 410);
  CHECK(fixture.send("GET", path + "?offset=" + offset(1, 2)).body == "llo");
}

TEST_CASE("a fork keeps the sequences of what it inherits", "[http][read-sequence][fork]") {
  RecoveredFixture fixture;
  CHECK(fixture.post(kPath, "xyz").status == 204);
  const auto fork = [&](const std::string& path, const std::string& where) {
    return fixture.send("PUT", path,
                        {{"Stream-Forked-From", kPath}, {"Stream-Fork-Offset", where}});
  };
  CHECK(fork("/v1/stream/old", offset(0, 1))["Stream-Next-Offset"] == offset(1, 1));
  CHECK(fork("/v1/stream/old", offset(0, 1)).status == 200);
  CHECK(fork("/v1/stream/new", offset(1, 4)).status == 201);
  CHECK(fork("/v1/stream/beyond", offset(1, 6)).status == 400);
  CHECK(fork("/v1/stream/beyond", offset(2, 0)).status == 400);
  CHECK(fixture.post("/v1/stream/old", "!").status == 204);
  CHECK(fixture.send("GET", "/v1/stream/old?offset=" + offset(0, 0)).body == "a!");
  CHECK(fixture.send("GET", "/v1/stream/old?offset=" + offset(0, 1)).body == "!");
  CHECK(fixture.send("GET", "/v1/stream/old?offset=" + offset(0, 2)).status == 410);
  CHECK(fixture.send("GET", "/v1/stream/new?offset=" + offset(0, 2)).body == "xy");
  CHECK(fixture.send("GET", "/v1/stream/new?offset=" + offset(0, 3)).status == 410);
}

TEST_CASE("a page that ends before the cut has an old offset, one behind it a new one",
          "[http][read-sequence][json]") {
  RecoveredFixture fixture("application/json", "[1,2]");
  fixture.content_type = "application/json";
  CHECK(fixture.post(kPath, "[3]").status == 204);
  const auto page = [&](Offset from) {
    return fixture.recovered_streams.read_now("a", from, 3).value();
  };
  const Page first = page({});
  CHECK(first.text() == "[1]");
  CHECK(first.next_offset == Offset{.read_sequence = 0, .position = 3});
  const Page second = page(first.next_offset);
  CHECK(second.next_offset == Offset{.read_sequence = 0, .position = 6});
  const Page third = page(second.next_offset);
  CHECK(third.text() == "[3]");
  CHECK(third.next_offset == Offset{.read_sequence = 1, .position = 9});
  CHECK(fixture.send("GET", at(offset(0, 9))).status == 410);
  CHECK(fixture.send("GET", at(offset(0, 4))).status == 400);  // inside a message, as ever
}

TEST_CASE("closing in the new sequence raises the tail, and loses no reader at the old one",
          "[http][read-sequence]") {
  RecoveredFixture fixture;
  const Response closed = fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  CHECK(closed["Stream-Next-Offset"] == offset(1, 2));
  const Response read = fixture.send("GET", at(offset(0, 2)));
  CHECK(read.status == 200);
  CHECK(read["Stream-Closed"] == "true");
  CHECK(read["Stream-Next-Offset"] == offset(1, 2));
  CHECK(fixture.send("GET", at(offset(0, 3))).status == 410);
}

}  // namespace durable_streams::http
