// Runs the contract suite over the file store, on a real disk; built twice, once so that it settles
// all the time.
#include <durable_streams/file_store.h>

#include <memory>
#include <utility>

#include "tests/store/store_contract.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

#ifdef DURABLE_STREAMS_SETTLE_ALWAYS
constexpr bool kSettlesAlways = true;
#else
constexpr bool kSettlesAlways = false;
#endif

FileStoreOptions options_in(const TemporaryDirectory& directory) {
  FileStoreOptions options;
  options.directory = directory.path() + "/store";
  options.segment_bytes = std::uint64_t{1} << 20;
  options.reserve_bytes = std::uint64_t{1} << 20;
  options.catalog_bytes_max = std::uint64_t{256} << 20;
  if (kSettlesAlways) options.settle_interval = std::chrono::milliseconds(1);
  return options;
}

}  // namespace

StoreUnderTest store_under_test() {
  auto directory = std::make_shared<TemporaryDirectory>();
  return {.open =
              [directory] {
                return std::unique_ptr<Store>(
                    std::move(FileStore::open(options_in(*directory))).value());
              },
          .reopen =
              [directory](std::unique_ptr<Store> store) {
                store.reset();
                return std::unique_ptr<Store>(
                    std::move(FileStore::open(options_in(*directory))).value());
              },
          .settle = [](Store& store) { store.flush(); },
          .gives_memory_back = kSettlesAlways};
}

}  // namespace durable_streams
