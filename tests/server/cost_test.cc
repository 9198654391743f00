// What serving costs in memory: counted by replacing operator new, so this stands in a program of
// its own.
#include <durable_streams/clock.h>
#include <durable_streams/engine.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/manual_loop.h>
#include <durable_streams/memory_store.h>
#include <durable_streams/streams.h>
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "server/http/connection.h"
#include "server/http/connection_group.h"
#include "server/runtime/loop_endpoints.h"
#include "server/runtime/plan.h"
#include "server/runtime/site_handler.h"
#include "server/server.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"
#include "tests/support/one_endpoint_server.h"

namespace {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> bytes_held{0};

void* allocate(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  allocations.fetch_add(1, std::memory_order_relaxed);
  bytes_held.fetch_add(malloc_usable_size(memory), std::memory_order_relaxed);
  return memory;
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  bytes_held.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }

namespace durable_streams::server {
namespace {

// Takes everything and keeps nothing.
class Drain final : public Transport {
 public:
  std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) override {
    std::size_t bytes = 0;
    for (const std::string_view piece : pieces) bytes += piece.size();
    return bytes;
  }
  bool write(std::span<const std::string_view>) override { return true; }
  std::size_t unwritten() const override { return 0; }
  void pause_reading() override {}
  void resume_reading() override {}
  void shutdown() override {}
  void close() override {}
};

struct ServedStream {
  explicit ServedStream(http::EndpointOptions options = {})
      : stores({.limits = {},
                .endpoint = std::move(options),
                .engine = {},
                .memory_store = {},
                .file_store = {}},
               [] {}) {
    handler.serve(plan, plan->sites.front(), endpoints);
    loop.run_until_idle();
    streams.create_now("s", {.content_type = "text/plain", .body = "text"}).value();
  }

  static void receive(Connection& connection, std::string_view bytes) {
    connection.on_read(bytes);
    connection.on_turn_end();
  }
  void receive(std::string_view bytes) { receive(connection, bytes); }

  // Allocations made by `count` requests, once the first few have warmed up what is kept.
  std::size_t allocations_of(const std::string& request, int count) {
    for (int i = 0; i < 100; ++i) receive(request);
    const std::size_t before = allocations;
    for (int i = 0; i < count; ++i) receive(request);
    return allocations - before;
  }

  Limits limits;
  ManualLoop loop{ManualLoop::Time::kVirtual};
  ManualClock clock;
  OpenStores stores;
  const std::function<Logger(const LogConfig&)> make_logger = [](const LogConfig&) {
    return Logger();
  };
  const Logger log;
  std::atomic<std::uint64_t> rate_refused{0};
  TicketKeys tickets;
  std::shared_ptr<const Plan> plan = make_plan(one_endpoint({}), {.stores = stores,
                                                                  .make_logger = make_logger,
                                                                  .log = log,
                                                                  .rate_refused = rate_refused,
                                                                  .tickets = tickets,
                                                                  .clock = clock,
                                                                  .open_files_max = 1'024,
                                                                  .loops = 1,
                                                                  .before = nullptr})
                                         .value();
  Streams streams{plan->endpoints.front()->store->engine(), loop};
  LoopEndpoints endpoints{loop};
  SiteHandler handler;
  std::atomic<std::size_t> open{1};
  ConnectionGroup group{limits, loop, clock, handler, open};
  Drain drain;
  Connection connection{group, drain, "192.0.2.1"};
};

TEST_CASE("an append allocates nothing but room in its stream", "[server][cost]") {
  ServedStream served;
  const std::string append =
      "POST /v1/stream/s HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: "
      "4\r\n\r\nmore";
  CHECK(served.allocations_of(append, 1000) <= 20);
}

TEST_CASE("looking up an origin allocates nothing", "[server][cost]") {
  ServedStream served({.cors_origins = {"https://app.example", "http://localhost:3000"}});
  for (const char* origin : {"https://app.example", "https://foreign.example"}) {
    const std::string append = std::string("POST /v1/stream/s HTTP/1.1\r\nHost: h\r\nOrigin: ") +
                               origin +
                               "\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nmore";
    CHECK(served.allocations_of(append, 1000) <= 20);
  }
}

TEST_CASE("a request that comes in two pieces gives back what kept the first", "[server][cost]") {
  ServedStream served;
  const std::string head = "HEAD /v1/stream/s HTTP/1.1\r\nHost: h\r\n\r\n";
  served.allocations_of(head, 1);
  const std::size_t before = bytes_held;
  served.receive(head.substr(0, 9));
  CHECK(bytes_held > before);
  served.receive(head.substr(9));
  CHECK(bytes_held == before);
}

TEST_CASE("a head that does not end costs little more than its limit", "[server][cost]") {
  ServedStream served;
  const std::string line = "GET / HTTP/1.1\r\n";
  std::string many;
  for (std::size_t i = 0; i + 1 < served.limits.header_fields_max; ++i) many += "a:\r\n";
  for (const std::string& fields : {many + "b: ", std::string("b: ")}) {
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{100}, served.limits.header_bytes_max}) {
      Drain client;
      ++served.open;
      Connection connection(served.group, client, "192.0.2.1");
      served.loop.run_until_idle();
      std::string head = line + fields;
      head.resize(served.limits.header_bytes_max, 'x');
      const std::size_t before = bytes_held;
      for (std::size_t at = 0; at < head.size(); at += piece)
        ServedStream::receive(connection, head.substr(at, piece));
      const std::size_t cost = bytes_held - before;
      CAPTURE(piece, fields.size(), cost);
      CHECK(cost <= served.limits.header_bytes_max + std::size_t{8192});
    }
  }
}

// The growth of memory in use when `count` clients send `request` and wait.
std::size_t bytes_for_each(const std::string& request, std::size_t count) {
  ServerOptions options;
  options.threads = 1;
  std::unique_ptr<Server> server = open_server(options).value();
  std::thread thread([&] { server->run(); });
  BlockingClient witness(server->port());
  REQUIRE(witness.exchange("PUT /v1/stream/s", "Content-Type: text/plain\r\n").status == 201);
  std::vector<std::unique_ptr<BlockingClient>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<BlockingClient>(server->port()));
  }
  // Answered on the one loop after all that was sent before.
  const auto held = [&] {
    REQUIRE(witness.exchange("GET /").status == 404);
    return bytes_held.load();
  };
  const std::size_t connected = held();
  for (const auto& client : clients) client->send(request);
  const std::size_t waiting = held();
  const std::size_t connections =
      count * (sizeof(Connection) + 512);  // with the socket's handle, generously
  server->drain();
  thread.join();
  return (waiting - connected + connections) / count;
}

TEST_CASE("an idle long-poll or SSE connection costs at most 2 KiB", "[server][cost]") {
  const std::string poll = "GET /v1/stream/s?offset=0_0&live=long-poll HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string sse = "GET /v1/stream/s?offset=0_0&live=sse HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::size_t poll_bytes = bytes_for_each(poll, 400);
  const std::size_t sse_bytes = bytes_for_each(sse, 400);
  CAPTURE(poll_bytes, sse_bytes);
  CHECK(poll_bytes <= 2048);
  CHECK(sse_bytes <= 2048);
}

}  // namespace
}  // namespace durable_streams::server
