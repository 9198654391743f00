// The program with a configuration, as its operator types it. The seed's examples are run as they
// stand, but for the port.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/server/configured_server.h"
#include "tests/server/program.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kText = "Content-Type: text/plain\r\n";

std::string seed_example(std::string_view name) {
  std::ifstream file(
      std::string(DURABLE_STREAMS_SOURCE_DIR "/tests/server/config/seed/").append(name));
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string with_port(std::string text, const std::string& seeds_port, const std::string& port) {
  for (std::size_t at = text.find(seeds_port); at != std::string::npos;
       at = text.find(seeds_port, at + port.size()))
    text.replace(at, seeds_port.size(), port);
  return text;
}

// A directory with a configuration, in which the program runs.
class Place {
 public:
  void write(const std::string& name, std::string_view text) {
    std::ofstream(directory_.path() + "/" + name) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory_.path() + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  bool has(const std::string& name) const {
    return std::filesystem::exists(directory_.path() + "/" + name);
  }
  Program start(std::vector<std::string> arguments) const {
    return Program(std::move(arguments), std::nullopt, directory_.path());
  }
  // Runs to its end; what it said, and its status.
  std::pair<int, std::string> run(std::vector<std::string> arguments) const {
    Program program(std::move(arguments), std::nullopt, directory_.path());
    const std::string said = program.read_all();
    return {program.wait(), said};
  }

 private:
  const TemporaryDirectory directory_;
};

void use_streams(const std::string& port, const std::string& prefix) {
  BlockingClient client = client_at(port);
  CHECK(client.exchange("PUT " + prefix + "a", kText, "text").status == 201);
  CHECK(client.exchange("GET " + prefix + "a?offset=-1").body == "text");
}

TEST_CASE("the seed's example for production keeps streams over restarts", "[server][program]") {
  Place place;
  const std::string port = free_port();
  place.write("Caddyfile", with_port(seed_example("production.caddyfile"), "4437", port));
  for (const bool first : {true, false}) {
    Program program = place.start({"run", "--config", "Caddyfile"});
    program.read_until("serving streams");
    if (first) {
      use_streams(port, "/v1/stream/");
    } else {
      CHECK(client_at(port).exchange("GET /v1/stream/a?offset=-1").body == "text");
    }
    CHECK(place.run({"health", "--config", "Caddyfile"}) == std::pair(0, std::string("ready\n")));
    CHECK(place.run({"stop", "--config", "Caddyfile"}).first == 0);
    CHECK(program.wait() == 0);
  }
  CHECK(place.has("data/catalog"));
}

TEST_CASE("the seed's other examples serve what they say", "[server][program]") {
  for (const std::string_view name :
       {"in_memory.caddyfile", "file_backed.caddyfile", "custom_timeouts.caddyfile",
        "multiple_endpoints.caddyfile"}) {
    CAPTURE(name);
    Place place;
    const std::string port = free_port();
    const std::string admin = free_port();
    place.write("Caddyfile", "{\n\tadmin localhost:" + admin + "\n}\n" +
                                 with_port(seed_example(name), "8787", port));
    Program program = place.start({"run", "--config", "Caddyfile"});
    program.read_until("serving streams");
    use_streams(port, "/v1/stream/");
    if (name.starts_with("multiple")) {
      use_streams(port, "/test/stream/");
      CHECK(place.has("data/prod/catalog"));
      CHECK(place.has("data/test/catalog"));
    }
    CHECK(place.run({"health", "--address", "http://localhost:" + admin}).first == 0);
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("the seed's example in JSON serves the same", "[server][program]") {
  Place place;
  const std::string port = free_port();
  const std::string admin = free_port();
  std::string text = with_port(seed_example("config.json"), "4437", port);
  text.replace(text.find('{'), 1, "{\"admin\":{\"listen\":\"localhost:" + admin + "\"},");
  place.write("config.json", text);
  Program program = place.start({"run", "--config", "config.json"});
  program.read_until("serving streams");
  use_streams(port, "/v1/stream/");
  program.signal(SIGINT);
  CHECK(program.wait() == 0);
}

TEST_CASE("the seed's example of metrics answers its curl line", "[server][program]") {
  Place place;
  const std::string admin = free_port();
  place.write("Caddyfile", with_port(seed_example("metrics.caddyfile"), "2019", admin));
  Program program = place.start({"run", "--config", "Caddyfile"});
  program.read_until("can be reached from other machines");
  BlockingClient client = client_at(admin);
  CHECK(client.exchange("GET /metrics").body.find("durable_streams_build_info") !=
        std::string::npos);
}

TEST_CASE("a wrong configuration is told with its place, and nothing starts", "[server][program]") {
  Place place;
  place.write("Caddyfile", ":1 {\n\troute /v1/* {\n\t\tdurable_stream\n\t}\n}\n");
  for (const char* const command : {"run", "validate", "adapt"}) {
    const auto [status, said] = place.run({command, "--config", "Caddyfile"});
    CHECK(status == 1);
    CHECK(said.find("Caddyfile:3:3: unknown directive 'durable_stream'; did you mean "
                    "'durable_streams'?\n    3 | \t\tdurable_stream\n") != std::string::npos);
  }
  CHECK(place.run({"run", "--config", "nowhere"}).second.find("cannot read nowhere") !=
        std::string::npos);
  CHECK(place.run({"validate", "--adapter", "yaml"}).first == 2);
}

TEST_CASE("validate, adapt and fmt look at a configuration without serving it",
          "[server][program]") {
  Place place;
  place.write("Caddyfile", ":8787   {\nroute /v1/stream/* {\ndurable_streams\n}\n}\n");
  CHECK(place.run({"validate"}) == std::pair(0, std::string("Valid configuration\n")));
  const auto [status, json] = place.run({"adapt", "--config", "Caddyfile"});
  CHECK(status == 0);
  place.write("adapted.json", json);
  CHECK(place.run({"adapt", "--config", "adapted.json"}).second == json);
  CHECK(place.run({"adapt", "--pretty"}).second.starts_with("{\n\t\"apps\": {"));
  const std::string formatted = seed_example("in_memory.caddyfile");
  CHECK(place.run({"fmt"}) == std::pair(1, formatted));
  CHECK(place.run({"fmt", "--overwrite", "Caddyfile"}).first == 0);
  CHECK(place.read("Caddyfile") == formatted);
  CHECK(place.run({"fmt"}) == std::pair(0, formatted));
}

TEST_CASE("reload and SIGHUP serve a new configuration, and refuse a wrong one",
          "[server][program]") {
  Place place;
  const std::string port = free_port();
  const std::string admin = free_port();
  const auto caddyfile = [&](const std::string& answer) {
    return "{\n\tadmin localhost:" + admin + "\n}\n127.0.0.1:" + port + " {\n\trespond /x " +
           answer + "\n\tdurable_streams /s/*\n}\n";
  };
  place.write("Caddyfile", caddyfile("one"));
  Program program = place.start({"run"});
  program.read_until("serving streams");
  BlockingClient client = client_at(port);
  CHECK(client.exchange("GET /x").body == "one");
  place.write("Caddyfile", caddyfile("two"));
  CHECK(place.run({"reload"}) == std::pair(0, std::string()));
  CHECK(client.exchange("GET /x").body == "two");
  place.write("Caddyfile", caddyfile("three"));
  program.signal(SIGHUP);
  program.read_until("serving a new configuration");
  std::string answer;
  for (int tries = 0; answer != "three" && tries < 10'000; ++tries)
    answer = client.exchange("GET /x").body;
  CHECK(answer == "three");
  place.write("Caddyfile", "nonsense {");
  CHECK(place.run({"reload"}).first == 1);
  program.signal(SIGHUP);
  program.read_until("the configuration is wrong, and was not loaded");
  CHECK(client.exchange("GET /x").body == "three");
  place.write("Caddyfile", caddyfile("four"));
  CHECK(place.run({"stop"}).first == 0);
  CHECK(program.wait() == 0);
  CHECK(
      place.run({"health"}).second.find("no server has its admin endpoint at localhost:" + admin) !=
      std::string::npos);
}

TEST_CASE("completion names every command and every flag", "[server][program]") {
  Place place;
  for (const char* const shell : {"bash", "zsh", "fish"}) {
    const auto [status, script] = place.run({"completion", shell});
    CHECK(status == 0);
    for (const std::string_view word : {"run", "validate", "reload", "config", "data-dir"})
      CHECK(script.find(word) != std::string::npos);
  }
  CHECK(place.run({"completion", "csh"}).first == 2);
}

TEST_CASE("a service manager is told when it serves and when it stops", "[server][program]") {
  Place place;
  const std::string port = free_port();
  place.write("Caddyfile",
              "{\n\tadmin off\n}\n127.0.0.1:" + port + " {\n\tdurable_streams /s/*\n}\n");
  const TemporaryDirectory directory;
  const std::string socket_path = directory.path() + "/notify";
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  const timeval patience{.tv_sec = BlockingClient::kPatienceSeconds, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const auto heard = [&] {
    std::array<char, 256> text;
    const ssize_t size = recv(socket.get(), text.data(), text.size(), 0);
    return size < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
  };
  setenv("NOTIFY_SOCKET", socket_path.c_str(), 1);
  Program program = place.start({"run"});
  unsetenv("NOTIFY_SOCKET");
  CHECK(heard() == "READY=1");
  program.signal(SIGHUP);
  CHECK(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(heard() == "READY=1");
  program.signal(SIGTERM);
  CHECK(heard() == "STOPPING=1");
  CHECK(program.wait() == 0);
}

}  // namespace
}  // namespace durable_streams::server
