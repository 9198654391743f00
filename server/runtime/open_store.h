// The streams of one endpoint, open: a store and the engine over it, shared by all loops and by
// one configuration after the other.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/file_store.h>
#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/store.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/config/apply.h"
#include "server/config/config.h"

namespace durable_streams::server {

// Closing one may take seconds, for it settles. Threads: any.
class OpenStore {
 public:
  OpenStore(std::string name, DurableStreamsConfig config, std::unique_ptr<Store> store,
            const EngineOptions& options);
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;

  // The directory, or for streams in memory where they are served.
  const std::string& name() const { return name_; }
  // store_part() of what it was opened with.
  const DurableStreamsConfig& config() const { return config_; }
  Engine& engine() { return engine_; }
  const Engine& engine() const { return engine_; }
  FileStore* file_store() { return file_store_; }  // null: in memory
  const FileStore* file_store() const { return file_store_; }
  const FileStoreOptions* file_options() const {
    return file_store_ == nullptr ? nullptr : &file_options_;
  }

 private:
  friend class OpenStores;

  const std::string name_;
  const DurableStreamsConfig config_;
  const std::unique_ptr<Store> store_;
  FileStore* const file_store_;
  FileStoreOptions file_options_;
  Engine engine_;
};

// Opens each store once, for as long as anybody uses it. Outlives none of them. Threads: any;
// open() by one at a time.
class OpenStores {
 public:
  // `close` gets each store that nobody uses any more, on whatever thread let go of it, and
  // destroys it where waiting harms nobody.
  using Close = std::function<void(std::unique_ptr<OpenStore>)>;

  OpenStores(ServerDefaults defaults, Close close)
      : defaults_(std::move(defaults)), close_(std::move(close)) {}

  // `place` names the endpoint, for streams in memory: what is served there after a reload has the
  // streams that were served there before. Errors: those of FileStore::open(), and kConflict when
  // the store is open with other options.
  Result<std::shared_ptr<OpenStore>> open(const DurableStreamsConfig& config,
                                          const std::string& place);

  const ServerDefaults& defaults() const { return defaults_; }

 private:
  const ServerDefaults defaults_;
  const Close close_;
  std::map<std::string, std::weak_ptr<OpenStore>> stores_;
};

}  // namespace durable_streams::server
