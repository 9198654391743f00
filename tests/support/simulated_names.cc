// What chance does to directory entries that no sync covered.
#include "tests/support/simulated_names.h"

#include <filesystem>
#include <utility>

#include "tests/support/surviving_changes.h"

namespace durable_streams {

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

bool SimulatedNames::has_directory(const std::string& path) const {
  return directories_.contains(path);
}

SimulatedNames::Content SimulatedNames::find(const std::string& path) const {
  const auto file = seen_.find(path);
  return file == seen_.end() ? nullptr : file->second;
}

std::vector<std::string> SimulatedNames::list(const std::string& directory) const {
  std::vector<std::string> names;
  for (const auto& [path, content] : seen_) {
    if (parent_of(path) == directory) names.push_back(path.substr(path.rfind('/') + 1));
  }
  return names;
}

void SimulatedNames::create(const std::string& path, Content content) {
  record({.from = {}, .to = path, .content = std::move(content)});
}

void SimulatedNames::rename(const std::string& from, const std::string& to) {
  if (from != to) record({.from = from, .to = to, .content = seen_.at(from)});
}

void SimulatedNames::remove(const std::string& path) {
  record({.from = path, .to = {}, .content = seen_.at(path)});
}

void SimulatedNames::record(Change change) {
  change.from_synced = change.from.empty();
  change.to_synced = change.to.empty();
  seen_.erase(change.from);
  if (!change.to.empty()) seen_[change.to] = change.content;
  unsynced_.push_back(std::move(change));
}

void SimulatedNames::sync(const std::string& directory) {
  std::vector<bool> certain;
  for (Change& change : unsynced_) {
    if (parent_of(change.from) == directory) change.from_synced = true;
    if (parent_of(change.to) == directory) change.to_synced = true;
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

void SimulatedNames::keep(std::vector<bool> chosen) {
  for (std::size_t i = chosen.size(); i-- > 0;) {
    if (!chosen[i]) continue;
    for (std::size_t j = 0; j < i; ++j) {
      if (unsynced_[i].touches(unsynced_[j].from) || unsynced_[i].touches(unsynced_[j].to)) {
        chosen[j] = true;
      }
    }
  }
  std::vector<Change> rest;
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    Change& change = unsynced_[i];
    if (!chosen[i]) {
      rest.push_back(std::move(change));
      continue;
    }
    durable_.erase(change.from);
    if (!change.to.empty()) durable_[change.to] = change.content;
  }
  unsynced_ = std::move(rest);
}

}  // namespace durable_streams
