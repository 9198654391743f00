// Says what a newcomer wants to know first: where it is, what it serves, what becomes of the data,
// how to stop it.
#include "server/cli/dev_command.h"

#include <durable_streams/version.h>
#include <fmt/format.h>

#include <ostream>
#include <string>

#include "server/cli/exit_code.h"
#include "server/log/log_outputs.h"
#include "server/server.h"

namespace durable_streams::server {
namespace {

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

std::string storage_of(const Server& server) {
  const ServerOptions& options = server.options();
  if (!options.file_store) return "in memory, gone when this stops";
  return fmt::format("{}\n  durability {}", options.file_store->directory,
                     durability_of(*options.file_store));
}

std::string greeting(const Server& server) {
  const std::string listening =
      server.options().listen.host.empty()
          ? fmt::format("{} and every other address of this machine", server.origin())
          : server.origin();
  return fmt::format(
      "durable-streams-server {}\n"
      "  listening  {}\n"
      "  streams    {}{}*\n"
      "  storage    {}\n"
      "Ctrl-C stops it.\n",
      kVersion, listening, server.origin(), server.options().endpoint.prefix, storage_of(server));
}

}  // namespace

int run_dev(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const SystemClock clock;
  LogOutputs outputs(clock);
  Result<std::unique_ptr<Server>> server =
      Server::open(options.server, outputs.make_logger({.format = LogFormat::kConsole}));
  if (!server) {
    terminal.err << fmt::format("durable-streams-server dev: {}\n", server.error().message);
    return kExitFailed;
  }
  (*server)->heed_signals();
  outputs.flush();  // what was found comes before
  terminal.out << greeting(**server) << std::flush;
  (*server)->run();
  return kExitDone;
}

}  // namespace durable_streams::server
