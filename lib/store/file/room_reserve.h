// Room that is kept on the disk for the time when it is full: then streams can still be deleted and
// settled, which is how room comes back (docs/disk-format.md, "reserve").
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "store/file/file_system.h"

namespace durable_streams {

// A file that nobody reads. A commit gives it up while another thread may be busy taking
// it, and must not wait for that. Threads: any.
class RoomReserve {
 public:
  // 0 `bytes`: nothing is kept.
  RoomReserve(FileSystem& files, std::string directory, std::uint64_t bytes);
  RoomReserve(const RoomReserve&) = delete;
  RoomReserve& operator=(const RoomReserve&) = delete;

  // Takes the room unless it is held. kNoSpace: there is not that much; then none is taken.
  // kUnavailable: another thread is taking it or giving it up.
  Status take();

  // Returns the room to the disk. False: none was held.
  bool give_up();

  // The same with what an earlier life has left, before the first take().
  bool give_up_earlier();

 private:
  enum class State : std::uint8_t { kNone, kHeld, kChanging };

  Status write_file();
  bool remove_file();

  FileSystem& files_;
  const std::string directory_;
  const std::string path_;
  const std::uint64_t bytes_;
  std::atomic<State> state_{State::kNone};
};

}  // namespace durable_streams
