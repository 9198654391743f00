// A copy of a data directory that is in use, as a kill at this moment would leave it.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace durable_streams {

// What is not needed for that may be renamed or go meanwhile (the journal's next segment, which is
// made ahead): it is left out then. Nothing that counts may be changed meanwhile.
inline void copy_as_if_killed(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  fs::create_directories(to);
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const std::string name = to + "/" + entry.path().filename().string();
    if (entry.is_directory()) copy_as_if_killed(entry.path().string(), name);
    if (!entry.is_regular_file()) continue;
    std::error_code gone;
    fs::copy_file(entry.path(), name, gone);
    if (gone && gone != std::errc::no_such_file_or_directory)
      throw fs::filesystem_error("copy", entry.path(), name, gone);
  }
}

}  // namespace durable_streams
