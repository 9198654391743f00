// The directories of the simulated disk: which file a path names, and what of that a loss of power
// would leave.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/seed.h"
#include "tests/support/simulated_content.h"

namespace durable_streams {

// Paths are normal: no "." or ".." or "//" in them, no "/" at their end. Creates, renames and
// removes are each atomic, and certain once every directory they touch is synced; until then any
// may be undone, but none that a kept one built on. Directories are durable once made. Threads: one
// at a time.
class SimulatedNames {
 public:
  using Content = std::shared_ptr<SimulatedContent>;

  static std::string normal(const std::string& path);
  static std::string parent_of(std::string_view path);

  bool has_directory(const std::string& path) const;
  void create_directory(const std::string& path) { directories_.insert(path); }

  // Null: there is none.
  Content find(const std::string& path) const;
  std::vector<std::string> list(const std::string& directory) const;

  void create(const std::string& path, Content content);
  void rename(const std::string& from, const std::string& to);
  void remove(const std::string& path);

  void sync(const std::string& directory);
  void crash(Random& random);

  const std::map<std::string, Content>& files() const { return seen_; }

 private:
  struct Change {
    std::string from;  // loses its name; empty: none does
    std::string to;    // gains it; empty: none does
    Content content;
    bool from_synced = false;
    bool to_synced = false;

    bool touches(const std::string& path) const {
      return !path.empty() && (path == from || path == to);
    }
  };

  void record(Change change);
  // Makes the chosen changes durable, and those before them that they built on.
  void keep(std::vector<bool> chosen);

  std::set<std::string> directories_{".", "/"};
  std::map<std::string, Content> seen_;
  std::map<std::string, Content> durable_;
  std::vector<Change> unsynced_;
};

}  // namespace durable_streams
