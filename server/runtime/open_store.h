// The streams of one endpoint, open: a store and the engine over it, shared by all loops and by
// one configuration after the other.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/file_store.h>
#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/store.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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

// Opens each store once, for as long as anybody uses it. Outlives all of them. Threads: any;
// open() and close_unused() one at a time.
class OpenStores {
 public:
  // Called when nobody uses a store any more, on whatever thread let go of it: close_unused() is to
  // be called where waiting harms nobody.
  using Unused = std::function<void()>;

  OpenStores(ServerDefaults defaults, Unused unused)
      : defaults_(std::move(defaults)), unused_(std::move(unused)) {}

  // `place` names the endpoint, for streams in memory: what is served there after a reload has the
  // streams that were served there before. Errors: those of FileStore::open(), and kConflict when
  // the store is open with other options.
  Result<std::shared_ptr<OpenStore>> open(const DurableStreamsConfig& config,
                                          const std::string& place);

  // Closes what nobody uses any more.
  void close_unused();

  const ServerDefaults& defaults() const { return defaults_; }

 private:
  std::shared_ptr<OpenStore> used(const std::string& key);
  void retire(OpenStore* unused, const std::string& key);

  const ServerDefaults defaults_;
  const Unused unused_;
  std::mutex mutex_;
  std::condition_variable retired_;
  std::map<std::string, std::weak_ptr<OpenStore>> stores_;  // until they are retired
  std::vector<std::unique_ptr<OpenStore>> unused_stores_;   // to be closed
};

}  // namespace durable_streams::server
