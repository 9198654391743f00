// A disk in memory that forgets, tears and fails as real ones do: what the file store is simulated
// on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/file/file_system.h"
#include "tests/support/seed.h"
#include "tests/support/simulated_content.h"
#include "tests/support/simulated_names.h"

namespace durable_streams {

enum class DiskCall : std::uint8_t {
  kOpen,  // and create
  kRead,  // and read_cached
  kWrite,
  kSync,
  kTruncate,
  kSize,
  kCreateDirectories,
  kList,
  kRename,
  kLink,
  kRemove,  // and remove_directory
  kSyncDirectory,
  kLock,
};
inline constexpr std::size_t kDiskCalls = 13;

// The same calls and the same seed have the same outcomes. It outlives its files and locks. A new
// file is certain to survive a crash once it *and* its directory are synced. After a failed sync
// nothing written before it is. Threads: any.
class SimulatedDisk final : public FileSystem {
 public:
  explicit SimulatedDisk(std::uint64_t seed = 0);

  // Power is lost and comes back. What was synced is there; of what was not, SimulatedContent and
  // SimulatedNames say what may be. Files open until now fail with kCanceled, locks are free.
  // Faults stay as set.
  void crash(Random& random);

  // The process ends and another begins: as crash(), but nothing that was written is lost yet.
  void kill();

  // Dies at the `nth` change from now on, 1 being the next; 0: not any more. That call happens or
  // does not, and fails with kCanceled, as do all that follow, until crash() or kill(). Changes are
  // creates, writes, truncates, renames, links, removes, syncs, locks and what outside_change()
  // reports.
  void die_at_change(std::uint64_t nth);
  bool dead() const;
  std::uint64_t changes() const;  // until now

  // Counts a change to something else that is on the disk, such as a catalog: it is not to happen
  // if this fails.
  Status outside_change();

  // The `nth` such call from now on, 1 being the next, fails with `code`. A write that fails may
  // have happened in part.
  void fail_call(DiskCall call, std::uint64_t nth, ErrorCode code);
  // One in `one_in` fails, 1: all, 0: none.
  void fail_randomly(DiskCall call, std::uint64_t one_in, ErrorCode code);
  void clear_faults();

  // What all files together may take, each in blocks of kBlockBytes; past it writes that grow one
  // fail with kNoSpace.
  void set_capacity(std::uint64_t bytes);
  // Past so many open files, opening one fails with kTooMany.
  void set_open_files_max(std::size_t count);
  // Without them, link() fails with kInvalidArgument, as from one disk to another.
  void set_links(bool links);
  // read_cached() would have to wait one time in `one_in`, 1: always, 0: never.
  void set_reads_wait(std::uint64_t one_in);

  // Bit rot; survives crashes. Nothing where there is no such byte.
  void flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);

  // What readers would see now, without a call; nullopt: no such file.
  std::optional<std::string> content(const std::string& path) const;
  std::uint64_t used_bytes() const;
  std::size_t open_files() const;
  std::uint64_t calls(DiskCall call) const;
  std::uint64_t written_bytes() const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status create_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status remove_directory(const std::string& directory) override;
  Status sync_directory(const std::string& directory) override;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory,
                                              const std::string& name) override;

  static constexpr std::uint64_t kBlockBytes = 4096;

 private:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  class SimulatedFile;
  class SimulatedLock;
  using Content = SimulatedNames::Content;

  // What comes of a call, as chance and the faults have it.
  struct Fate {
    Status status;
    bool happens = true;  // whatever is answered
    bool faulty = false;  // it fails by a fault, and may leave a mess
  };

  struct Faults {
    std::vector<std::pair<std::uint64_t, ErrorCode>> nth;  // by the number of the call
    std::uint64_t one_in = 0;
    ErrorCode code = ErrorCode::kIo;
  };

  Fate fate_of(DiskCall call, bool changes, std::string_view text) DURABLE_STREAMS_REQUIRES(mutex_);
  Status rename_directory(const std::string& from, const std::string& to, std::string_view text)
      DURABLE_STREAMS_REQUIRES(mutex_);
  Fate death(std::string_view text) DURABLE_STREAMS_REQUIRES(mutex_);
  std::optional<ErrorCode> fault_of(DiskCall call) DURABLE_STREAMS_REQUIRES(mutex_);
  void restart() DURABLE_STREAMS_REQUIRES(mutex_);
  std::uint64_t used() const DURABLE_STREAMS_REQUIRES(mutex_);
  // The end up to which a file of `size` bytes can grow.
  std::uint64_t growth_end(std::uint64_t size) const DURABLE_STREAMS_REQUIRES(mutex_);

  Status write(SimulatedContent& content, std::uint64_t offset,
               std::span<const std::string_view> parts, std::string_view text)
      DURABLE_STREAMS_REQUIRES(mutex_);
  Status truncate(SimulatedContent& content, std::uint64_t size, std::string_view text)
      DURABLE_STREAMS_REQUIRES(mutex_);
  Status sync(SimulatedContent& content, std::string_view text) DURABLE_STREAMS_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Random random_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  SimulatedNames names_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::set<std::string> locks_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::uint64_t boot_ DURABLE_STREAMS_GUARDED_BY(mutex_) =
      0;  // files and locks of another are void
  std::size_t open_files_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;

  bool dead_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;
  std::uint64_t changes_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
  std::uint64_t death_at_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;  // of changes_; 0: never
  std::array<Faults, kDiskCalls> faults_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::array<std::uint64_t, kDiskCalls> calls_ DURABLE_STREAMS_GUARDED_BY(mutex_){};
  std::uint64_t written_bytes_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;

  std::uint64_t capacity_ DURABLE_STREAMS_GUARDED_BY(mutex_) = kUnlimited;
  std::size_t open_files_max_ DURABLE_STREAMS_GUARDED_BY(mutex_) =
      std::numeric_limits<std::size_t>::max();
  bool links_ DURABLE_STREAMS_GUARDED_BY(mutex_) = true;
  std::uint64_t reads_wait_one_in_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
};

}  // namespace durable_streams
