// The file's room is its own without being written.
#include "store/file/room_reserve.h"

#include <memory>
#include <string_view>
#include <utility>

namespace durable_streams {

namespace {

constexpr std::string_view kName = "reserve";

}  // namespace

RoomReserve::RoomReserve(FileSystem& files, std::string directory, std::uint64_t bytes)
    : files_(files),
      directory_(std::move(directory)),
      path_(directory_ + "/" + std::string(kName)),
      bytes_(bytes) {}

Status RoomReserve::take() {
  if (bytes_ == 0) return {};
  State state = State::kNone;
  if (!state_.compare_exchange_strong(state, State::kChanging)) {
    if (state == State::kHeld) return {};
    return Error{.code = ErrorCode::kUnavailable,
                 .message = "the reserve is being taken or given up",
                 .detail = {}};
  }
  Status written = write_file();
  if (!written) ignore(files_.remove(path_), "the next take() goes on with it");
  state_.store(written ? State::kHeld : State::kNone);
  return written;
}

// One of an earlier life may be there, whole or not.
Status RoomReserve::write_file() {
  Result<std::unique_ptr<File>> file = files_.open(path_, OpenMode::kReadWrite);
  if (!file && file.error().code == ErrorCode::kNotFound)
    file = files_.open(path_, OpenMode::kCreate);
  if (!file) return file.error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  if (*size > bytes_) {
    if (Status cut = (*file)->truncate(bytes_); !cut) return cut;
  }
  if (Status allocated = (*file)->allocate(bytes_); !allocated) return allocated;
  return (*file)->sync();
}

bool RoomReserve::give_up() {
  State state = State::kHeld;
  if (!state_.compare_exchange_strong(state, State::kChanging)) return false;
  const bool removed = remove_file();
  state_.store(removed ? State::kNone : State::kHeld);
  return removed;
}

bool RoomReserve::give_up_earlier() { return bytes_ > 0 && remove_file(); }

bool RoomReserve::remove_file() {
  if (!files_.remove(path_)) return false;
  // File systems with a log of their own may give room back only with the name's end.
  ignore(files_.sync_directory(directory_), "whether there is room now is seen by trying");
  return true;
}

}  // namespace durable_streams
