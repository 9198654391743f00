// A store is known by its directory's real path, so that two names of one directory are one.
#include "server/runtime/open_store.h"

#include <durable_streams/memory_store.h>
#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "server/config/options.h"

namespace durable_streams::server {
namespace {

std::string real_path(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::weakly_canonical(directory, error);
  if (error) return std::filesystem::absolute(directory).lexically_normal().string();
  std::string text = path.string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// The first option that is not the same.
std::string_view difference(const DurableStreamsConfig& a, const DurableStreamsConfig& b) {
  for (const Option<DurableStreamsConfig>& option : durable_streams_options()) {
    const bool same =
        std::visit([&](auto member) { return a.*member == b.*member; }, option.member);
    // Two names of one directory may differ.
    if (!same && option.name != "data_dir") return option.name;
  }
  return {};
}

}  // namespace

OpenStore::OpenStore(std::string name, DurableStreamsConfig config, std::unique_ptr<Store> store,
                     const EngineOptions& options)
    : name_(std::move(name)),
      config_(std::move(config)),
      store_(std::move(store)),
      file_store_(dynamic_cast<FileStore*>(store_.get())),
      engine_(*store_, options) {}

Result<std::shared_ptr<OpenStore>> OpenStores::open(const DurableStreamsConfig& config,
                                                    const std::string& place) {
  const bool memory = in_memory(config);
  const std::string name = memory ? place : real_path(*config.data_dir);
  const std::string key = (memory ? "memory " : "file ") + name;
  const DurableStreamsConfig part = store_part(config);
  if (std::shared_ptr<OpenStore> known = stores_[key].lock()) {
    const std::string_view differs = difference(known->config(), part);
    if (differs.empty()) return known;
    return Error{ErrorCode::kConflict,
                 fmt::format("{}: {} cannot be changed while the server runs: start it again", name,
                             differs),
                 {}};
  }
  std::unique_ptr<Store> store;
  const FileStoreOptions file_options = file_store_options(config, defaults_.file_store);
  if (memory) {
    store = std::make_unique<MemoryStore>(memory_store_options(config, defaults_.memory_store));
  } else {
    Result<std::unique_ptr<FileStore>> opened = FileStore::open(file_options);
    if (!opened) return std::move(opened).error();
    store = std::move(*opened);
  }
  auto fresh = std::make_unique<OpenStore>(name, part, std::move(store),
                                           engine_options(config, defaults_.engine));
  fresh->file_options_ = file_options;
  std::shared_ptr<OpenStore> shared(fresh.release(), [close = close_](OpenStore* unused) {
    close(std::unique_ptr<OpenStore>(unused));
  });
  stores_[key] = shared;
  return shared;
}

}  // namespace durable_streams::server
