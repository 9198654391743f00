// The first entries, by name, of what several sources have, each of which gives a beginning of its
// own: what pages of a listing are made of.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace durable_streams {

// Holds at most `count_max` entries, whatever it is given. Of two with one name the first stays.
// Threads: one at a time.
template <class T>
class PageMerge {
 public:
  explicit PageMerge(std::size_t count_max) : count_max_(count_max) {}

  void add(std::string_view name, T value) {
    if (entries_.size() >= count_max_ && entries_.rbegin()->first < name) {
      cut_ = true;
      return;
    }
    const auto place = entries_.lower_bound(name);
    if (place != entries_.end() && place->first == name) return;
    entries_.emplace_hint(place, std::string(name), std::move(value));
    if (entries_.size() <= count_max_) return;
    entries_.erase(std::prev(entries_.end()));
    cut_ = true;
  }

  // A source has more than it gave, behind this name: nothing is known of what comes after.
  void known_up_to(std::string_view name) {
    if (!horizon_ || name < *horizon_) horizon_ = std::string(name);
  }

  // To be called once all has been added: drops what lies beyond what is known, and tells after
  // which name the next page begins; nullopt: there is none.
  std::optional<std::string> finish() {
    if (horizon_) {
      const auto beyond = entries_.upper_bound(*horizon_);
      const bool some = beyond != entries_.end();
      entries_.erase(beyond, entries_.end());
      if (some || !cut_) return horizon_;
    }
    if (!cut_) return std::nullopt;
    return entries_.rbegin()->first;
  }

  using Entries = std::map<std::string, T, std::less<>>;
  Entries& entries() { return entries_; }

 private:
  const std::size_t count_max_;  // at least 1
  Entries entries_;
  std::optional<std::string> horizon_;
  bool cut_ = false;
};

}  // namespace durable_streams
