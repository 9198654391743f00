// A table of open packs in order of use. A pack that was dropped from it counts as open until its
// last reader has let go, so that the bound holds for descriptors and not for entries.
#include "store/file/open_packs.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace durable_streams {

// Shared by the packs that it opened, whose ends it counts: they may outlive the table.
class OpenPacks::Impl : public std::enable_shared_from_this<OpenPacks::Impl> {
 public:
  Impl(FileSystem& files, Options options) : files_(files), options_(std::move(options)) {
    if (options_.open_max == 0) options_.open_max = 1;
  }

  std::shared_ptr<Pack> find(PackId id) DURABLE_STREAMS_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return touch(id);
  }

  Result<std::shared_ptr<Pack>> find_or_open(PackId id) {
    std::shared_ptr<Pack> pack;
    switch (reserve(id, pack)) {
      case Reserved::kFound:
        return pack;
      case Reserved::kTooMany:
        return Error{
            .code = ErrorCode::kTooMany,
            .message = fmt::format("all packs that max_file_handles allows ({}) are in use",
                                   options_.open_max),
            .detail = {}};
      case Reserved::kToOpen:
        break;
    }
    Result<std::unique_ptr<Pack>> opened = Pack::open(
        files_, {.directory = options_.directory, .id = id, .store_id = options_.store_id},
        options_.blocks);
    if (!opened) {
      opening_failed(id);
      return std::move(opened).error();
    }
    pack = std::shared_ptr<Pack>(std::move(opened).value().release(), Closer{shared_from_this()});
    enter(id, pack);
    return pack;
  }

  void forget(PackId id) DURABLE_STREAMS_EXCLUDES(mutex_) {
    std::shared_ptr<Pack> closing;  // goes after the lock, which its end takes
    const MutexLock lock(mutex_);
    const auto entry = table_.find(id);
    if (entry == table_.end()) return;
    entry->second.forgotten = true;
    if (entry->second.pack != nullptr) closing = drop(id);
  }

  void forget_all() DURABLE_STREAMS_EXCLUDES(mutex_) {
    std::unordered_map<PackId, Entry> closing;
    const MutexLock lock(mutex_);
    closing.swap(table_);
    used_.clear();
  }

  std::size_t open() const DURABLE_STREAMS_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return open_;
  }

 private:
  enum class Reserved { kFound, kToOpen, kTooMany };

  struct Entry {
    std::shared_ptr<Pack> pack;         // null: somebody is opening it
    std::list<PackId>::iterator place;  // in `used_`, once open
    bool forgotten = false;
  };

  struct Closer {
    std::shared_ptr<Impl> impl;

    void operator()(Pack* pack) const {
      delete pack;
      impl->closed();
    }
  };

  std::shared_ptr<Pack> touch(PackId id) DURABLE_STREAMS_REQUIRES(mutex_) {
    const auto entry = table_.find(id);
    if (entry == table_.end() || entry->second.pack == nullptr) return nullptr;
    used_.splice(used_.begin(), used_, entry->second.place);
    return entry->second.pack;
  }

  std::shared_ptr<Pack> drop(PackId id) DURABLE_STREAMS_REQUIRES(mutex_) {
    const auto entry = table_.find(id);
    std::shared_ptr<Pack> pack = std::move(entry->second.pack);
    used_.erase(entry->second.place);
    table_.erase(entry);
    return pack;
  }

  // Takes one pack out of the table, for the caller to let go of without the lock. Where all are in
  // use the least recently used goes, and closes with its last reader; but no more of those than
  // there is somebody to wait for.
  std::shared_ptr<Pack> drop_one() DURABLE_STREAMS_REQUIRES(mutex_) {
    const auto idle = std::find_if(used_.rbegin(), used_.rend(),
                                   [this](PackId id) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
                                     return table_.find(id)->second.pack.use_count() == 1;
                                   });
    if (idle != used_.rend()) return drop(*idle);
    const std::size_t closing = open_ - table_.size();
    if (used_.empty() || closing >= waiting_) return nullptr;
    return drop(used_.back());
  }

  // Finds the pack, or a place for the caller to open it in. The analysis cannot follow a condition
  // variable.
  Reserved reserve(PackId id,
                   std::shared_ptr<Pack>& found) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock lock(mutex_.native());
    const auto until = std::chrono::steady_clock::now() + options_.wait_max;
    while (true) {
      found = touch(id);
      if (found != nullptr) return Reserved::kFound;
      if (table_.contains(id)) {
        changed_.wait(lock);
        continue;
      }
      if (open_ < options_.open_max) {
        ++open_;
        table_[id];
        return Reserved::kToOpen;
      }
      ++waiting_;
      std::shared_ptr<Pack> closing = drop_one();
      bool timed_out = false;
      if (closing != nullptr) {
        lock.unlock();
        closing.reset();
        lock.lock();
      } else {
        timed_out = changed_.wait_until(lock, until) == std::cv_status::timeout;
      }
      --waiting_;
      if (timed_out) return Reserved::kTooMany;
    }
  }

  void enter(PackId id, const std::shared_ptr<Pack>& pack) DURABLE_STREAMS_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto entry = table_.find(id);
    if (entry != table_.end() && !entry->second.forgotten) {
      entry->second.pack = pack;
      entry->second.place = used_.insert(used_.begin(), id);
    } else if (entry != table_.end()) {
      table_.erase(entry);
    }
    changed_.notify_all();
  }

  void opening_failed(PackId id) DURABLE_STREAMS_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    table_.erase(id);
    --open_;
    changed_.notify_all();
  }

  void closed() DURABLE_STREAMS_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    --open_;
    changed_.notify_all();
  }

  FileSystem& files_;
  Options options_;

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<PackId, Entry> table_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::list<PackId> used_ DURABLE_STREAMS_GUARDED_BY(mutex_);  // the last used first
  std::size_t open_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;    // and being opened
  std::size_t waiting_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
};

OpenPacks::OpenPacks(FileSystem& files, Options options)
    : impl_(std::make_shared<Impl>(files, std::move(options))) {}

OpenPacks::~OpenPacks() { impl_->forget_all(); }

std::optional<Result<std::shared_ptr<Pack>>> OpenPacks::get(Pack::Wait wait, PackId id) {
  if (wait == Pack::Wait::kYes) return impl_->find_or_open(id);
  std::shared_ptr<Pack> pack = impl_->find(id);
  if (pack == nullptr) return std::nullopt;
  return pack;
}

void OpenPacks::forget(PackId id) { impl_->forget(id); }

std::size_t OpenPacks::open() const { return impl_->open(); }

}  // namespace durable_streams
