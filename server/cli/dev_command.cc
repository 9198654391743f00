// Says what a newcomer wants to know first: where it is, what it serves, what becomes of the data,
// how to stop it.
#include "server/cli/dev_command.h"

#include <durable_streams/version.h>
#include <fmt/format.h>

#include <ostream>
#include <string>
#include <utility>

#include "server/cli/exit_code.h"
#include "server/cli/server_context.h"
#include "server/log/log_outputs.h"
#include "server/net/listen_address.h"
#include "server/net/listener.h"
#include "server/server.h"

namespace durable_streams::server {
namespace {

constexpr char kPath[] = "/v1/stream/*";

Config dev_config(const CommandOptions& options) {
  Config config;
  config.admin.enabled = false;
  config.log.format = LogFormat::kConsole;
  config.threads = options.threads;
  RouteConfig route;
  route.paths = {kPath};
  route.terminal = options.streams;
  HttpServerConfig server;
  server.name = "dev";
  server.listen = {options.listen};
  server.routes = {std::move(route)};
  config.servers.push_back(std::move(server));
  return config;
}

std::string durability_of(const FileStoreOptions& store) {
  switch (store.durability) {
    case Durability::kAlways:
      return "always: an answered change is on the disk";
    case Durability::kInterval:
      return fmt::format(
          "interval:{}ms: a crash of the machine may lose changes answered in the last {}ms or so",
          store.sync_interval.count(), store.sync_interval.count());
    case Durability::kOff:
      return "off: a crash of the machine may lose answered changes";
  }
  return "";
}

std::string storage_of(const OpenStore& store) {
  const FileStoreOptions* const options = store.file_options();
  if (options == nullptr) return "in memory, gone when this stops (--data-dir DIR keeps it)";
  return fmt::format("{}\n  durability {}", options->directory, durability_of(*options));
}

// Tried again, for an error does not tell what it is about.
bool can_listen(const std::string& listen) {
  const Result<ListenAddress> address = parse_listen_address(listen);
  return address.ok() && listen_at(*address).ok();
}

std::string greeting(const Server& server) {
  const std::string& listen = server.plan().config.servers.front().listen.front();
  const bool everywhere = listen.starts_with(':');
  return fmt::format(
      "durable-streams-server {}\n"
      "  listening  {}{}\n"
      "  streams    {}{}\n"
      "  storage    {}\n"
      "Ctrl-C stops it.\n",
      kVersion, server.origin(), everywhere ? " and every other address of this machine" : "",
      server.origin(), kPath, storage_of(*server.plan().endpoints.front()->store));
}

}  // namespace

int run_dev(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const SystemClock clock;
  LogOutputs outputs(clock);
  Result<std::unique_ptr<Server>> server = Server::open(dev_config(options), context_of(outputs));
  if (!server) {
    terminal.err << fmt::format(
        "durable-streams-server dev: {}{}\n", server.error().message,
        can_listen(options.listen) ? "" : "; --listen says where, port 0 is any that is free");
    return kExitFailed;
  }
  (*server)->heed_signals();
  outputs.flush();  // what was found comes before
  terminal.out << greeting(**server) << std::flush;
  (*server)->run();
  server->reset();
  return kExitDone;
}

}  // namespace durable_streams::server
