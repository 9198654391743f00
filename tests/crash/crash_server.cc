// The server over a data directory with limits so small that settling and merging never rest: what
// the kill test starts and kills.
#include <durable_streams/file_store.h>

#include <sys/prctl.h>

#include <csignal>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include "server/log/log_outputs.h"
#include "tests/support/one_endpoint_server.h"

namespace durable_streams::server {
namespace {

ServerOptions options_for(std::string directory, std::string_view durability) {
  ServerOptions options;
  options.threads = 2;
  options.endpoint.chunk_bytes_max = 64 << 10;
  options.engine.loaded_streams_max = 32;
  FileStoreOptions& store = options.file_store.emplace();
  store.directory = std::move(directory);
  if (durability == "interval") store.durability = Durability::kInterval;
  if (durability == "off") store.durability = Durability::kOff;
  store.sync_interval = std::chrono::milliseconds(20);
  store.max_file_handles = 6;
  store.journal_bytes_max = 1 << 20;
  store.memtable_bytes_max = 1 << 20;
  store.reserve_bytes = 1 << 20;
  store.settle_interval = std::chrono::milliseconds(100);
  store.segment_bytes = 128 << 10;
  store.catalog_bytes_max = std::uint64_t{256} << 20;
  return options;
}

int run(std::string directory, std::string_view durability) {
  const SystemClock clock;
  LogOutputs outputs(clock);
  Result<std::unique_ptr<Server>> server =
      open_server(options_for(std::move(directory), durability),
                  outputs.make_logger({.format = LogFormat::kConsole}));
  if (!server) {
    std::cerr << server.error().message << std::endl;
    return 1;
  }
  (*server)->heed_signals();
  const FileStore& store = *(*server)->plan().endpoints.front()->store->file_store();
  const FileStoreOpening& opening = store.opening();
  std::cout << "serves " << (*server)->port() << ' ' << (opening.clean ? 1 : 0) << ' '
            << opening.replayed << ' ' << opening.torn_bytes << std::endl;
  (*server)->run();
  const FileStoreStats stats = store.file_stats();
  std::cout << "settlings " << stats.settlings << " merges " << stats.merges << std::endl;
  return 0;
}

}  // namespace
}  // namespace durable_streams::server

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: crash_server DIRECTORY always|interval|off\n";
    return 2;
  }
  // It goes with the test, however that ends.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return durable_streams::server::run(argv[1], argv[2]);
}
