// A store that was killed with changes in its journal that are not settled, for tests to damage,
// repair and look into.
#pragma once

#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/killed_copy.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

// Streams `old`, settled in the first pack, `both`, in two of them, and `new`, whose changes are
// only in the journal: as many batches of it as letters of `abc`, the last two of which also name
// `both`.
class KilledStore {
 public:
  explicit KilledStore(std::uint64_t segment_bytes = std::uint64_t{64} << 20) {
    const FileStoreOptions options{.directory = directory_.path() + "/live",
                                   .segment_bytes = segment_bytes};
    StreamRecord both;
    {
      FilledStore store(options);
      StreamRecord old = store.create("old");
      store.append(old, "old");
      both = store.create("both");
      store.append(both, "1");
    }
    older_catalog_ = directory_.path() + "/older.mdb";
    std::filesystem::copy_file(options.directory + "/catalog/data.mdb", older_catalog_);
    {
      FilledStore store(options);
      store.append(both, "2");
    }
    std::filesystem::create_directory(path());
    copy_as_if_killed(options.directory, closed_);
    FilledStore store(options);
    StreamRecord added = store.create("new");
    store.append(added, "a");
    store.append(added, "_b_");  // no checksum or id holds this by chance
    store.append(both, "3");
    store.append(added, "c");
    copy_as_if_killed(options.directory, path());
  }

  std::string path() const { return directory_.path() + "/killed"; }
  const std::string& closed_path() const { return closed_; }
  std::string catalog() const { return path() + "/catalog/data.mdb"; }
  std::string pack(int number) const {
    return path() + "/packs/000000000000000" + std::to_string(number) + ".pack";
  }
  const std::string& older_catalog() const { return older_catalog_; }

  std::string copy(const std::string& name) const { return copy_of(path(), name); }
  std::string copy_of(const std::string& from, const std::string& name) const {
    std::string to = directory_.path() + "/" + name;
    copy_as_if_killed(from, to);
    return to;
  }

  // In the order of their changes, of which none is settled.
  std::vector<std::string> segments() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path() + "/journal")) {
      if (entry.path().extension() == ".log") found.push_back(entry.path().string());
    }
    REQUIRE(!found.empty());
    std::sort(found.begin(), found.end());
    return found;
  }
  // The last, or only, one.
  std::string segment() const { return segments().back(); }

  static std::string bytes_of(FilledStore& store, const std::string& stream) {
    const Result<std::optional<StreamRecord>> record = store.try_load(stream);
    if (!record) return record.error().message;
    if (!*record) return "none";
    const Result<std::string> bytes = store.read((*record)->id, (*record)->tail.position);
    return bytes.ok() ? *bytes : bytes.error().message;
  }

  struct Seen {
    std::string old;
    std::string both;
    std::string added;
    std::uint64_t read_sequence = 0;
  };
  Seen open_and_read(const std::string& directory) const {
    FilledStore store({.directory = directory});
    return {.old = bytes_of(store, "old"),
            .both = bytes_of(store, "both"),
            .added = bytes_of(store, "new"),
            .read_sequence = store.store().read_sequence()};
  }
  Seen open_and_read() const { return open_and_read(path()); }

  Result<std::unique_ptr<FileStore>> try_open() const {
    return FileStore::open({.directory = path(), .catalog_bytes_max = std::uint64_t{64} << 20});
  }

 private:
  TemporaryDirectory directory_;
  std::string closed_ = directory_.path() + "/closed";
  std::string older_catalog_;
};

struct Outcome {
  FileStoreCheck check;
  std::string text;
};

inline Outcome fsck(const std::string& directory, bool repair) {
  std::string text;
  const Result<FileStoreCheck> check =
      check_file_store({.directory = directory, .repair = repair},
                       [&text](const FileStoreFinding& finding) { text += finding.text + "\n"; });
  INFO(text);
  if (!check) FAIL(check.error().message);
  return {.check = *check, .text = std::move(text)};
}

inline Outcome repaired(const KilledStore& store) { return fsck(store.path(), true); }

inline void overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::filesystem::file_size(path), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// Where the record with these bytes at its end lies in a file.
// Makes a byte another one, whatever it was.
inline void spoil(const std::string& path, std::streamoff at) {
  const char was = contents(path).at(static_cast<std::size_t>(at));
  overwrite(path, at, std::string(1, static_cast<char>(~was)));
}

inline std::streamoff place_of(const std::string& path, const std::string& bytes) {
  const std::size_t at = contents(path).find(bytes, 4096);
  REQUIRE(at != std::string::npos);
  return static_cast<std::streamoff>(at);
}

inline std::uint64_t number_at(const std::string& bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i > 0; --i)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return number;
}

// Where the batches of a segment begin; behind them may lie those of an older one.
inline std::vector<std::streamoff> batches_in(const std::string& path) {
  const std::string bytes = contents(path);
  const std::uint64_t segment = std::stoull(std::filesystem::path(path).filename().string());
  std::vector<std::streamoff> batches;
  for (std::size_t at = 4096; at + 48 < bytes.size();) {
    if (number_at(bytes, at + 8) != segment) break;
    const std::uint64_t payload = number_at(bytes, at + 32);
    batches.push_back(static_cast<std::streamoff>(at));
    at += (48 + payload + 7) / 8 * 8;
  }
  return batches;
}

// All files below a directory, and what they hold.
inline std::map<std::string, std::string> tree(const std::string& directory) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().string();
    if (!entry.is_regular_file() || name.ends_with("LOCK") || name.ends_with("lock.mdb")) continue;
    found.emplace(name, contents(name));
  }
  return found;
}

// The bytes of a directory's files with this in their names.
inline std::vector<std::string> all_contents(const std::string& directory,
                                             const std::string& in_name) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.find(in_name) != std::string::npos) found.push_back(contents(entry.path().string()));
  }
  return found;
}

// Damages the batch with "b", and returns what the segment with it and all later ones hold then.
inline std::vector<std::string> damage_journal(const KilledStore& store) {
  std::vector<std::string> segments = store.segments();
  std::size_t behind = 2;
  std::vector<std::string> taken;
  while (true) {
    REQUIRE(!segments.empty());
    const std::string segment = segments.back();
    segments.pop_back();
    const std::vector<std::streamoff> batches = batches_in(segment);
    const bool here = batches.size() > behind;
    if (here) overwrite(segment, batches[batches.size() - 1 - behind] + 4, "xxxx");
    taken.push_back(contents(segment));
    if (here) return taken;
    behind -= batches.size();
  }
}

// Of stores that are copied for each step, spares too.
inline constexpr std::uint64_t kSmallSegment = 64 << 10;

}  // namespace durable_streams
