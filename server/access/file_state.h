// What tells that a file is no longer the one that was read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct stat;

namespace durable_streams::server {

// What changes when a file is written or another takes its place.
struct FileState {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t mode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;

  friend bool operator==(const FileState&, const FileState&) = default;
};

FileState file_state(const struct stat& status);

// Of what stands at the path now; nullopt: nothing that can be looked at.
std::optional<FileState> file_state(const std::string& path);

}  // namespace durable_streams::server
