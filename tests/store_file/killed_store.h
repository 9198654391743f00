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
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/killed_copy.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

// The segments of a store's journal, in the order of their changes.
inline std::vector<std::string> segments_in(const std::string& directory) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/journal")) {
    if (entry.path().extension() == ".log") found.push_back(entry.path().string());
  }
  REQUIRE(!found.empty());
  std::sort(found.begin(), found.end());
  return found;
}

// Streams `old`, settled in the first pack, `both`, in two of them, and `new`, whose changes are
// only in the journal, each in a batch of its own: its creation, appends of "a" and "_b_", one of
// "3" to `both`, and one of "c".
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

  // With changes of which none is settled.
  std::vector<std::string> segments() const { return segments_in(path()); }
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

// Repairs the store, after which nothing is damaged, and all that it was killed with is there.
inline void check_repaired_whole(const KilledStore& store) {
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == "old");
  CHECK(seen.both == "123");
  CHECK(seen.added == "a_b_c");
}

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

// Makes a byte another one, whatever it was.
inline void spoil(const std::string& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const int was = file.get();
  REQUIRE(file.good());
  file.seekp(at);
  file.put(static_cast<char>(~was));
}

// Where the record with these bytes at its end lies in a file.
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

// A check finds nothing worth saying, but that files were put aside before.
inline bool says_nothing_new(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("put aside earlier") == std::string::npos) return false;
  }
  return true;
}

// What these files held is in files of the directory that were put aside.
inline void check_put_aside(const std::string& directory, const std::vector<std::string>& kept) {
  const std::vector<std::string> there = all_contents(directory, ".damaged");
  for (const std::string& each : kept)
    CHECK(std::find(there.begin(), there.end(), each) != there.end());
}

// Damages the batch with "_b_", and returns what the segment with it and all later ones hold then.
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

// A start of a store of small segments whose repair was cut short refuses, unless it `must_open`,
// or finds what it finds after the whole repair. Returns whether it opened.
inline bool check_start(const std::string& directory, const std::string& added, bool must_open) {
  Result<std::unique_ptr<FileStore>> opened =
      FileStore::open({.directory = directory,
                       .reserve_bytes = 0,
                       .segment_bytes = kSmallSegment,
                       .catalog_bytes_max = std::uint64_t{64} << 20});
  if (!opened) {
    CHECK(opened.error().code == ErrorCode::kCorruption);
    CHECK_FALSE(must_open);
    return false;
  }
  FilledStore store(std::move(opened).value());
  CHECK(store.store().read_sequence() >= 1);
  CHECK(KilledStore::bytes_of(store, "old") == "old");
  CHECK(KilledStore::bytes_of(store, "new") == added);
  return true;
}

}  // namespace durable_streams
