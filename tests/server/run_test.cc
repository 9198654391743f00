// The program with a configuration, as its operator types it. The seed's examples are run as they
// stand, but for the port.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/server/config/seed_example.h"
#include "tests/server/configured_server.h"
#include "tests/server/program.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

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
  Program start(std::vector<std::string> arguments,
                std::optional<rlim_t> open_files_max = std::nullopt) const {
    return Program(std::move(arguments), open_files_max, directory_.path());
  }
  // What a shell makes of `commands`.
  int shell(const std::string& commands) const {
    return std::system(("cd '" + directory_.path() + "' && " + commands).c_str());
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

TEST_CASE("the seed's command line for metrics is answered as it stands but for the port",
          "[server][program]") {
  Place place;
  const std::string admin = free_port();
  place.write("Caddyfile", with_port(seed_example("metrics.caddyfile"), "2019", admin));
  Program program = place.start({"run", "--config", "Caddyfile"});
  program.read_until("can be reached from other machines");
  std::string line = with_port(seed_example("metrics.sh"), "2019", admin);
  line.pop_back();
  CHECK(place.shell(line + " --silent | grep -q '^durable_streams_build_info'") == 0);
}

// The seed's requests, with what any client adds: a host, a length, and the ends of lines.
std::string seed_request(std::string_view name) {
  const std::string text = seed_example(name);
  const std::size_t blank = text.find("\n\n");
  std::string head = text.substr(0, std::min(blank, text.size() - 1));
  std::string body = blank == std::string::npos ? std::string() : text.substr(blank + 2);
  if (!body.empty()) {
    body.pop_back();
    head += "\nContent-Length: " + std::to_string(body.size());
  }
  head += "\nHost: localhost";
  return with_port(head, "\n", "\r\n") + "\r\n\r\n" + body;
}

TEST_CASE("the seed's requests do what it says of them", "[server][program]") {
  Place place;
  const std::string port = free_port();
  place.write("Caddyfile", with_port(seed_example("production.caddyfile"), "4437", port));
  Program program = place.start({"run", "--config", "Caddyfile"});
  program.read_until("serving streams");
  BlockingClient client = client_at(port);
  const auto send = [&](std::string_view name) {
    REQUIRE(client.send(seed_request(name)));
    return client.response(name != "metadata.http");
  };
  const auto at = [](std::string_view position) {
    return std::string("Stream-Next-Offset: 0000000000000000_00000000000000").append(position);
  };

  const ClientResponse created = send("create.http");
  CHECK(created.status == 201);
  CHECK(created.says(at("00")));
  CHECK(created.field("Location").ends_with("/v1/stream/my-stream"));
  CHECK(send("create.http").status == 200);
  const ClientResponse appended = send("append.http");
  CHECK(appended.status == 204);
  CHECK(appended.says(at("18")));  // as stored: the message and two bytes
  const ClientResponse metadata = send("metadata.http");
  CHECK(metadata.status == 200);
  CHECK(metadata.says("Content-Type: application/json"));
  CHECK(metadata.says(at("18")));
  CHECK(send("read.http").body == R"([{"event":"test"}])");
  client.exchange("POST /v1/stream/my-stream", "Content-Type: application/json\r\n",
                  R"({"event":"test-again"})");  // up to the offset 0_42 that the next one has

  REQUIRE(client.send(seed_request("long_poll.http")));
  BlockingClient other = client_at(port);
  REQUIRE(other.send(seed_request("append.http")));
  CHECK(other.response().status == 204);
  CHECK(client.response().body == R"([{"event":"test"}])");

  REQUIRE(other.send(seed_request("sse.http")));
  CHECK(other.take_until("event: control").find("event: data") != std::string::npos);
  CHECK(send("delete.http").status == 204);
  CHECK(send("read.http").status == 404);
}

TEST_CASE("the seed's examples that say less than a whole configuration are run in one",
          "[server][program]") {
  for (const std::string_view name : {"tuning.caddyfile", "options.caddyfile"}) {
    CAPTURE(name);
    Place place;
    const std::string port = free_port();
    const std::string directive = name == "tuning.caddyfile"
                                      ? seed_example(name)
                                      : "durable_streams {\n" + seed_example(name) + "}\n";
    place.write("Caddyfile", "{\n\tadmin off\n}\n:" + port + " {\nroute /v1/stream/* {\n" +
                                 directive + "}\n}\n");
    CHECK(place.shell(seed_example("data_dir.sh")) == 0);
    // As after open_files.sh.
    CHECK(seed_example("open_files.sh") == "ulimit -n 4096\n");
    Program program = place.start({"run", "--config", "Caddyfile"}, 4096);
    program.read_until("serving streams");
    use_streams(port, "/v1/stream/");
    CHECK(place.has("data/catalog") == (name == "tuning.caddyfile"));
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("the seed's syntax names options that there are", "[server][program]") {
  Place place;
  std::string text = seed_example("syntax.caddyfile");
  const auto put = [&](const std::string& placeholder, const std::string& value) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder))
      text.replace(at, placeholder.size(), value);
  };
  put("<directory>", "./data");
  put("<count>", "100");
  put("<duration>", "30s");
  place.write("Caddyfile", ":4437 {\nroute /v1/stream/* {\n" + text + "}\n}\n");
  CHECK(place.run({"validate"}) == std::pair(0, std::string("Valid configuration\n")));
}

TEST_CASE("the seed's example of a port listens there, and says that nothing is served",
          "[server][program]") {
  Place place;
  const std::string port = free_port();
  place.write("Caddyfile",
              with_port("{\n\tadmin off\n}\n" + seed_example("port.caddyfile"), "8787", port));
  Program program = place.start({"run", "--config", "Caddyfile"});
  ClientResponse response;
  for (int tries = 0; response.status == 0 && tries < 10'000; ++tries) {
    BlockingClient client = client_at(port);
    if (client.connected()) response = client.exchange("GET /");
  }
  CHECK(response.status == 404);
  CHECK(response.body.find("Nothing is served here.") != std::string::npos);
}

TEST_CASE("the seed's example with TLS is refused until it has a certificate",
          "[server][program]") {
  Place place;
  place.write("Caddyfile", seed_example("tls.caddyfile"));
  const auto [status, said] = place.run({"run", "--config", "Caddyfile"});
  CHECK(status == 1);
  CHECK(
      said.starts_with("Caddyfile:1:1: certificates are not obtained automatically: give "
                       "'example.com' one by 'tls CERTIFICATE KEY' or 'tls internal' within the "
                       "site, or write 'http://example.com' to serve it without encryption\n"));
  std::string text = seed_example("tls.caddyfile");
  text.insert(text.find("\troute"), "\ttls internal\n");
  place.write("Caddyfile", text);
  CHECK(place.run({"validate", "--config", "Caddyfile"}).first == 0);
}

TEST_CASE("the seed's commands are understood as they stand", "[server][program]") {
  for (const std::string_view name : {"dev.sh", "run.sh"}) {
    std::istringstream words(seed_example(name));
    std::string word;
    words >> word;
    CHECK(word == "durable-streams-server");
    std::vector<std::string> arguments;
    while (words >> word) arguments.push_back(word);
    Place place;
    const std::string port = free_port();
    if (name == "dev.sh") arguments.insert(arguments.end(), {"--listen", port});
    place.write("Caddyfile", with_port(seed_example("production.caddyfile"), "4437", port));
    Program program = place.start(arguments);
    program.read_until(name == "dev.sh" ? "Ctrl-C stops it" : "serving streams");
    use_streams(port, "/v1/stream/");
  }
}

TEST_CASE("a port in use is told of without a flag that 'run' does not have", "[server][program]") {
  Place place;
  const std::string port = free_port();
  place.write("Caddyfile", with_port(seed_example("production.caddyfile"), "4437", port));
  Program program = place.start({"run", "--config", "Caddyfile"});
  program.read_until("serving streams");
  place.write("Caddyfile", "{\n\tadmin off\n}\n:" + port + " {\n\tdurable_streams /s/*\n}\n");
  CHECK(place.run({"run"}) ==
        std::pair(1, "durable-streams-server run: port " + port +
                         " is in use by another program: stop that one, or listen elsewhere\n"));
}

TEST_CASE("a server whose admin endpoint is for everybody takes orders by its data directory",
          "[server][program]") {
  Place place;
  const std::string port = free_port();
  const std::string before = "{\n\tadmin 0.0.0.0:" + free_port() + "\n}\n127.0.0.1:" + port +
                             " {\n\tdurable_streams /s/* {\n\t\tdata_dir data\n\t}\n";
  place.write("Caddyfile", before + "}\n");
  Program program = place.start({"run"});
  program.read_until("serving streams");
  CHECK(place.run({"health", "--config", "Caddyfile"}).first == 0);
  place.write("Caddyfile", before + "\trespond /hello hi\n}\n");
  CHECK(place.run({"reload", "--config", "Caddyfile"}) == std::pair(0, std::string()));
  CHECK(client_at(port).exchange("GET /hello").body == "hi");
  CHECK(place.run({"stop", "--config", "Caddyfile"}).first == 0);
  CHECK(program.wait() == 0);
}

TEST_CASE("a directory that the server made at its start is known again at a reload",
          "[server][program]") {
  Place place;
  const auto caddyfile = [port = free_port(), admin = free_port()](std::string_view more) {
    return "{\n\tadmin localhost:" + admin + "\n}\n127.0.0.1:" + port +
           " {\n\tdurable_streams /s/* {\n\t\tdata_dir data\n" + std::string(more) + "\t}\n}\n";
  };
  place.write("Caddyfile", caddyfile(""));
  Program program = place.start({"run"});
  program.read_until("serving streams");
  place.write("Caddyfile", caddyfile("\t\tlong_poll_timeout 5s\n"));
  CHECK(place.run({"reload"}) == std::pair(0, std::string()));
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
