// A store is known by its directory's real path, so that two names of one directory are one.
#include "server/runtime/open_store.h"

#include <durable_streams/memory_store.h>
#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "server/config/options.h"

namespace durable_streams::server {
namespace {

// The same before the directory is made and after: a name of which nothing exists yet would stay
// relative.
std::string real_path(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(directory);
  const std::filesystem::path path = std::filesystem::weakly_canonical(absolute, error);
  if (error) return absolute.lexically_normal().string();
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
  if (const std::shared_ptr<OpenStore> known = used(key)) {
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
  std::shared_ptr<OpenStore> shared(fresh.release(),
                                    [this, key](OpenStore* unused) { retire(unused, key); });
  const std::lock_guard lock(mutex_);
  stores_[key] = shared;
  return shared;
}

// Null: it is not open, and its directory is free. Between the moment in which its last user lets
// go of a store and that in which it is closed it is neither open nor gone.
std::shared_ptr<OpenStore> OpenStores::used(const std::string& key) {
  {
    std::unique_lock lock(mutex_);
    const auto found = stores_.find(key);
    if (found != stores_.end()) {
      if (std::shared_ptr<OpenStore> open = found->second.lock()) return open;
      retired_.wait(lock, [&] { return stores_.find(key) == stores_.end(); });
    }
  }
  close_unused();
  return nullptr;
}

void OpenStores::retire(OpenStore* unused, const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    unused_stores_.emplace_back(unused);
    stores_.erase(key);
  }
  retired_.notify_all();
  unused_();
}

void OpenStores::close_unused() {
  std::vector<std::unique_ptr<OpenStore>> closed;
  const std::lock_guard lock(mutex_);
  closed.swap(unused_stores_);
}

}  // namespace durable_streams::server
