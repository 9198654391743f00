// The directories of the simulated disk: which file a path names, and what of that a loss of power
// would leave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/seed.h"
#include "tests/support/simulated_content.h"

namespace durable_streams {

// Paths are normal: no "." or ".." or "//" in them, no "/" at their end. Creates, links, renames
// and removes are each atomic, and certain once every directory they touch is synced; until then
// any may be undone, but none that a kept one built on. A directory is durable once made, and what
// is in it goes where it goes. Threads: one at a time.
class SimulatedNames {
 public:
  using Content = std::shared_ptr<SimulatedContent>;

  SimulatedNames();

  static std::string normal(const std::string& path);
  static std::string parent_of(std::string_view path);

  bool has_directory(const std::string& path) const { return directory_at(path).has_value(); }
  // Its parent is there, and nothing of its name.
  void create_directory(const std::string& path);
  bool is_empty(const std::string& directory) const;

  // Null: there is none.
  Content find(const std::string& path) const;
  // The names of the files in it.
  std::vector<std::string> list(const std::string& directory) const;

  // A new name for a file, which may have others.
  void create(const std::string& path, Content content);
  // Of a file or a directory, whatever `to` has named.
  void rename(const std::string& from, const std::string& to);
  // A file, or an empty directory.
  void remove(const std::string& path);

  void sync(const std::string& directory);
  void crash(Random& random);

  // Of all files, each once.
  std::vector<Content> contents() const;

 private:
  // Stays the same when the directory gets another name.
  using Directory = std::uint64_t;

  struct Place {
    Directory directory = 0;
    std::string name;

    friend auto operator<=>(const Place&, const Place&) = default;
  };

  // A file or a directory.
  struct Node {
    Content content;
    Directory directory = 0;  // 0: it is a file
  };

  struct Change {
    std::optional<Place> from;  // loses its name
    std::optional<Place> to;    // gains it
    Node node;
    bool from_synced = false;
    bool to_synced = false;

    bool touches(const Place& place) const { return from == place || to == place; }
    bool builds_on(const Change& older) const;
  };

  std::optional<Directory> directory_at(const std::string& path) const;
  // The directory that it lies in is there.
  Place place_of(const std::string& path) const;
  const Node* node_at(const std::string& path) const;

  void record(Change change);
  // Makes the chosen changes durable, and those before them that they built on.
  void keep(std::vector<bool> chosen);

  Directory last_directory_ = 0;
  std::map<Place, Node> seen_;
  std::map<Place, Node> durable_;
  std::vector<Change> unsynced_;
};

}  // namespace durable_streams
