// What chance does to directory entries that no sync covered.
#include "tests/support/simulated_names.h"

#include <filesystem>
#include <set>
#include <utility>

#include "tests/support/surviving_changes.h"

namespace durable_streams {

namespace {

// What no directory holds.
constexpr std::uint64_t kAbove = 0;

}  // namespace

SimulatedNames::SimulatedNames() {
  for (const char* root : {".", "/"}) {
    seen_[{.directory = kAbove, .name = root}] = {.content = {}, .directory = ++last_directory_};
  }
  durable_ = seen_;
}

std::string SimulatedNames::normal(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string SimulatedNames::parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

SimulatedNames::Place SimulatedNames::place_of(const std::string& path) const {
  if (path == "." || path == "/") return {.directory = kAbove, .name = path};
  return {.directory = *directory_at(parent_of(path)), .name = path.substr(path.rfind('/') + 1)};
}

const SimulatedNames::Node* SimulatedNames::node_at(const std::string& path) const {
  const bool is_root = path == "." || path == "/";
  if (!is_root && !has_directory(parent_of(path))) return nullptr;
  const auto node = seen_.find(place_of(path));
  return node == seen_.end() ? nullptr : &node->second;
}

std::optional<SimulatedNames::Directory> SimulatedNames::directory_at(
    const std::string& path) const {
  const Node* node = node_at(path);
  return node == nullptr || node->directory == 0 ? std::nullopt : std::optional(node->directory);
}

SimulatedNames::Content SimulatedNames::find(const std::string& path) const {
  const Node* node = node_at(path);
  return node == nullptr ? nullptr : node->content;
}

void SimulatedNames::create_directory(const std::string& path) {
  const Place place = place_of(path);
  std::vector<bool> before;
  for (const Change& change : unsynced_) before.push_back(change.touches(place));
  keep(std::move(before));
  const Node node{.content = {}, .directory = ++last_directory_};
  seen_[place] = node;
  durable_[place] = node;
}

bool SimulatedNames::is_empty(const std::string& directory) const {
  const Directory in = *directory_at(directory);
  const auto first = seen_.lower_bound({.directory = in, .name = {}});
  return first == seen_.end() || first->first.directory != in;
}

std::vector<std::string> SimulatedNames::list(const std::string& directory) const {
  std::vector<std::string> names;
  const Directory in = *directory_at(directory);
  auto entry = seen_.lower_bound({.directory = in, .name = {}});
  for (; entry != seen_.end() && entry->first.directory == in; ++entry) {
    if (entry->second.directory == 0) names.push_back(entry->first.name);
  }
  return names;
}

void SimulatedNames::create(const std::string& path, Content content) {
  record({.from = {}, .to = place_of(path), .node = {.content = std::move(content)}});
}

void SimulatedNames::rename(const std::string& from, const std::string& to) {
  if (from != to) record({.from = place_of(from), .to = place_of(to), .node = *node_at(from)});
}

void SimulatedNames::remove(const std::string& path) {
  record({.from = place_of(path), .to = {}, .node = *node_at(path)});
}

void SimulatedNames::record(Change change) {
  change.from_synced = !change.from;
  change.to_synced = !change.to;
  if (change.from) seen_.erase(*change.from);
  if (change.to) seen_[*change.to] = change.node;
  unsynced_.push_back(std::move(change));
}

void SimulatedNames::sync(const std::string& directory) {
  const Directory synced = *directory_at(directory);
  std::vector<bool> certain;
  for (Change& change : unsynced_) {
    if (change.from && change.from->directory == synced) change.from_synced = true;
    if (change.to && change.to->directory == synced) change.to_synced = true;
    certain.push_back(change.from_synced && change.to_synced);
  }
  keep(std::move(certain));
}

void SimulatedNames::crash(Random& random) {
  std::vector<bool> kept;
  SurvivingChanges survivors(unsynced_.size(), random);
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    const Survival survival = survivors.next();
    kept.push_back(survival == Survival::kWhole ||
                   (survival == Survival::kPart && random.one_in(2)));
  }
  keep(std::move(kept));
  unsynced_.clear();
  seen_ = durable_;
}

// On what named the same, and on what emptied a directory that goes.
bool SimulatedNames::Change::builds_on(const Change& older) const {
  if (older.from && touches(*older.from)) return true;
  if (older.to && touches(*older.to)) return true;
  const bool removes_directory = !to && node.directory != 0;
  const auto was_in_it = [this](const std::optional<Place>& place) {
    return place && place->directory == node.directory;
  };
  return removes_directory && (was_in_it(older.from) || was_in_it(older.to));
}

void SimulatedNames::keep(std::vector<bool> chosen) {
  for (std::size_t i = chosen.size(); i-- > 0;) {
    if (!chosen[i]) continue;
    for (std::size_t j = 0; j < i; ++j) {
      if (unsynced_[i].builds_on(unsynced_[j])) chosen[j] = true;
    }
  }
  std::vector<Change> rest;
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    Change& change = unsynced_[i];
    if (!chosen[i]) {
      rest.push_back(std::move(change));
      continue;
    }
    if (change.from) durable_.erase(*change.from);
    if (change.to) durable_[*change.to] = change.node;
  }
  unsynced_ = std::move(rest);
}

std::vector<SimulatedNames::Content> SimulatedNames::contents() const {
  std::vector<Content> contents;
  std::set<const SimulatedContent*> known;
  for (const auto& [place, node] : seen_) {
    if (node.content != nullptr && known.insert(node.content.get()).second)
      contents.push_back(node.content);
  }
  return contents;
}

}  // namespace durable_streams
