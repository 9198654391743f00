// The program itself, as a shell or a supervisor sees it: output, signals, exit codes, and a limit
// on open files.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/net/unique_fd.h"
#include "tests/server/blocking_client.h"
#include "tests/server/program.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

std::vector<std::string> dev() { return {"dev", "--listen", "127.0.0.1:0", "--threads", "2"}; }

TEST_CASE("dev says where it listens, what it serves, what it keeps and how to stop it",
          "[server][program]") {
  Program program(dev());
  const std::string origin = "http://127.0.0.1:" + std::to_string(program.port());
  const std::string greeting = program.read_until("Ctrl-C stops it.\n");
  CHECK(greeting.find("  listening  " + origin + "\n") != std::string::npos);
  CHECK(greeting.find("  streams    " + origin + "/v1/stream/*\n") != std::string::npos);
  CHECK(greeting.find("  storage    in memory, gone when this stops (--data-dir DIR keeps it)\n") !=
        std::string::npos);
}

TEST_CASE("dev says how durably it keeps a directory", "[server][program]") {
  const TemporaryDirectory directory;
  for (const auto& [mode, said] :
       {std::pair("always", "  durability always: "), std::pair("off", "  durability off: "),
        std::pair("interval:1m30s", "  durability interval:90000ms: ")}) {
    std::vector<std::string> arguments = dev();
    for (const std::string& each : {std::string("--durability"), std::string(mode),
                                    std::string("--data-dir"), directory.path() + "/data"})
      arguments.push_back(each);
    Program program(arguments);
    const std::string greeting = program.read_until("Ctrl-C stops it.\n");
    CHECK(greeting.find("  storage    " + directory.path() + "/data\n") != std::string::npos);
    CHECK(greeting.find(said) != std::string::npos);
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("SIGINT and SIGTERM end live responses and exit with 0", "[server][program]") {
  for (const int number : {SIGINT, SIGTERM}) {
    Program program(dev());
    BlockingClient client(program.port());
    REQUIRE(client.exchange("PUT /v1/stream/s", kText).status == 201);
    client.request("GET /v1/stream/s?offset=0_0&live=sse");
    CHECK(client.response(false).status == 200);
    CHECK_FALSE(client.take_chunk().empty());
    program.signal(number);
    CHECK(client.take_chunk().empty());
    CHECK(client.at_end());
    client.shutdown_write();
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("a second signal stops at once, and the status tells which", "[server][program]") {
  Program program(dev());
  BlockingClient client(program.port());
  client.send("GET / HTTP/1.1\r\n");
  BlockingClient witness(program.port());
  REQUIRE(witness.exchange("GET /").status == 404);
  program.signal(SIGINT);
  program.read_until("a second signal stops at once\n");
  program.signal(SIGTERM);
  CHECK(program.wait() == 128 + SIGTERM);
}

TEST_CASE("a port in use is named, and the exit status is 1", "[server][program]") {
  Program first(dev());
  const std::string address = "127.0.0.1:" + std::to_string(first.port());
  Program second({"dev", "--listen", address});
  const std::string output = second.read_all();
  CHECK(output.find(address + " is in use") != std::string::npos);
  CHECK(output.find("--listen") != std::string::npos);
  CHECK(second.wait() == 1);
}

TEST_CASE("commands that only print exit with 0, mistakes with 2", "[server][program]") {
  Program version({"--version"});
  CHECK(version.read_all().starts_with("durable-streams-server "));
  CHECK(version.wait() == 0);
  Program mistake({"dev", "--lisen"});
  CHECK(mistake.read_all().find("unknown flag --lisen; did you mean --listen?") !=
        std::string::npos);
  CHECK(mistake.wait() == 2);
}

// The undefined-behaviour sanitizer, which comes with this one, checks addresses by opening a pipe,
// and takes having no descriptor for a bad address.
#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("out of descriptors, accepting pauses and recovers", "[server][program]") {
  Program program(dev());
  const std::uint16_t port = program.port();
  BlockingClient witness(port);
  REQUIRE(witness.exchange("GET /").status == 404);
  program.limit_open_files(20);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<BlockingClient>> crowd(30);
    for (auto& client : crowd) client = std::make_unique<BlockingClient>(port);
    program.read_until("cannot accept connections");
    BlockingClient late(port);  // waits in the kernel's queue
    late.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    crowd.clear();
    CHECK(late.response().status == 404);
  }
  program.signal(SIGTERM);
  const std::string output = program.read_all();
  CHECK(output.find("cannot accept connections") == output.rfind("cannot accept connections"));
  CHECK(program.wait() == 0);
}
#endif

TEST_CASE("connections too many for the open-file limit are answered, and none waits",
          "[server][program]") {
  Program program(dev(), 64);
  const std::uint16_t port = program.port();
  std::vector<std::unique_ptr<BlockingClient>> crowd(24 + 8);
  for (auto& client : crowd) client = std::make_unique<BlockingClient>(port);
  BlockingClient late(port);
  CHECK(late.at_end());
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    if (i < 24) crowd[i]->request("GET /");
    CHECK(crowd[i]->response().status == (i < 24 ? 404 : 503));
  }
  program.signal(SIGTERM);
  CHECK(program.read_all().find("cannot accept connections") == std::string::npos);
  CHECK(program.wait() == 0);
}

std::vector<std::string> dev_in(const std::string& directory) {
  std::vector<std::string> arguments = dev();
  arguments.insert(arguments.end(), {"--data-dir", directory});
  return arguments;
}

// What a command says, and how it ends.
std::pair<int, std::string> run(std::vector<std::string> arguments) {
  Program program(std::move(arguments));
  std::string text = program.read_all();
  return {program.wait(), std::move(text)};
}

std::string content_of(std::uint16_t port, const std::string& path) {
  return BlockingClient(port).exchange("GET " + path + "?offset=-1").body;
}

TEST_CASE("backup copies what was answered while the server goes on", "[server][program][backup]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const std::string copy = directory.path() + "/a copy&more";
  std::size_t answered = 0;
  std::string whole;
  {
    Program server(dev_in(data));
    const std::uint16_t port = server.port();
    CHECK(BlockingClient(port).exchange("PUT /v1/stream/s", kText).status == 201);
    // On this thread, for assertions may be made on one alone.
    BlockingClient client(port);
    const auto append = [&](int count) {
      for (int i = 0; i < count; ++i)
        CHECK(client.exchange("POST /v1/stream/s", kText, "0123456789").status == 204);
    };
    append(20);
    answered = 20;
    Program backup({"backup", "--data-dir", data, "--to", copy});
    append(100);
    INFO(backup.read_all());
    CHECK(backup.wait() == 0);
    append(20);
    whole = content_of(port, "/v1/stream/s");
    const auto [refused, why] = run({"backup", "--data-dir", data, "--to", copy});
    CHECK(refused == 1);
    CHECK(why.find("exists and is not empty") != std::string::npos);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(access((data + "/control.sock").c_str(), F_OK) != 0);
  }
  CHECK(run({"fsck", "--data-dir", copy}).first == 0);
  Program restored(dev_in(copy));
  const std::string kept = content_of(restored.port(), "/v1/stream/s");
  CHECK(kept.size() >= 10 * answered);
  CHECK(kept.size() < whole.size());
  CHECK(whole.starts_with(kept));
}

TEST_CASE("backup works on a directory that no server uses, and where one was killed",
          "[server][program][backup]") {
  const TemporaryDirectory directory;
  // Longer than a socket's address may be.
  const std::string data = directory.path() + "/" + std::string(150, 'd');
  {
    Program server(dev_in(data));
    CHECK(BlockingClient(server.port()).exchange("PUT /v1/stream/s", kText, "abc").status == 201);
    server.signal(SIGKILL);
    server.wait();
  }
  CHECK(access((data + "/control.sock").c_str(), F_OK) == 0);
  const auto [status, text] = run({"backup", "--data-dir", data, "--to", directory.path() + "/1"});
  INFO(text);
  CHECK(status == 0);
  {
    Program server(dev_in(data));
    server.port();
    CHECK(run({"backup", "--data-dir", data, "--to", directory.path() + "/2"}).first == 0);
    CHECK(run({"fsck", "--data-dir", data}).second.find("in use") != std::string::npos);
  }
  for (const std::string copy : {"/1", "/2"}) {
    Program restored(dev_in(directory.path() + copy));
    CHECK(content_of(restored.port(), "/v1/stream/s") == "abc");
  }
  const auto [none, why] =
      run({"backup", "--data-dir", directory.path() + "/no", "--to", directory.path() + "/3"});
  CHECK(none == 1);
  CHECK(run({"backup", "--data-dir", data}).first == 2);
}

TEST_CASE("The operator is told what the opening of a killed server's directory found",
          "[server][program]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  {
    Program server(dev_in(data));
    CHECK(BlockingClient(server.port()).exchange("PUT /v1/stream/s", kText, "abc").status == 201);
    server.signal(SIGKILL);
    server.wait();
  }
  Program server(dev_in(data));
  const std::string said = server.read_until("Ctrl-C stops it.\n");
  CHECK(said.find("WARN was not closed in order; changes replayed from the journal store=" + data +
                  " changes=1\n") != std::string::npos);
}

TEST_CASE("a limit on the size of files is an error with a reason, and ends nobody by a signal",
          "[server][program]") {
  const TemporaryDirectory directory;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{.rlim_cur = 30 << 20, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  Program server(dev_in(directory.path() + "/data"));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(server.read_all().find("File too large") != std::string::npos);
  CHECK(server.wait() == 1);
}

TEST_CASE("dev with a directory in use does not speak of ports", "[server][program]") {
  const TemporaryDirectory directory;
  Program server(dev_in(directory.path() + "/data"));
  server.port();
  const auto [status, why] = run(dev_in(directory.path() + "/data"));
  CHECK(status == 1);
  CHECK(why.find("in use by process") != std::string::npos);
  CHECK(why.find("--listen") == std::string::npos);
}

// Makes the catalog's tables branches with one child, which LMDB gives up by ending its process.
void ruin_pages(const std::string& catalog) {
  constexpr std::size_t kPageBytes = 4096;
  constexpr std::size_t kPageHeaderBytes = 16;
  std::fstream file(catalog, std::ios::in | std::ios::out | std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  const auto number_at = [&all](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(all[at])) |
           static_cast<std::size_t>(static_cast<unsigned char>(all[at + 1])) << 8;
  };
  for (std::size_t page = 0; page + kPageBytes <= all.size(); page += kPageBytes) {
    constexpr std::size_t kLeaf = 2;
    constexpr std::size_t kNamesTable = 2;
    if (number_at(page + 10) != kLeaf || number_at(page + 12) == kPageHeaderBytes) continue;
    const std::size_t node = page + number_at(page + kPageHeaderBytes);
    if (node + 8 > all.size() || number_at(node + 4) == kNamesTable) continue;
    file.seekp(static_cast<std::streamoff>(page + 10));
    file.write("\x01\0\x12\0", 4);
  }
}

TEST_CASE("fsck outlives a catalog that ends who reads it, and makes it anew",
          "[server][program]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  {
    Program server(dev_in(data));
    CHECK(BlockingClient(server.port()).exchange("PUT /v1/stream/s", kText, "abc").status == 201);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
  }
  ruin_pages(data + "/catalog/data.mdb");
  const auto [found, damage] = run({"fsck", "--data-dir", data});
  INFO(damage);
  CHECK(found == 1);
  CHECK(damage.find("the catalog is lost: its pages cannot be read") != std::string::npos);
  const auto [repaired, text] = run({"fsck", "--data-dir", data, "--repair"});
  INFO(text);
  CHECK(repaired == 0);
  Program server(dev_in(data));
  CHECK(content_of(server.port(), "/v1/stream/s") == "abc");
}

}  // namespace
}  // namespace durable_streams::server
