// A page of a listing on its way: asked of the store part by part, with other work between.
#pragma once

#include <durable_streams/store.h>
#include <durable_streams/streams.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "base/page_merge.h"

namespace durable_streams {

// Threads: one at a time.
class ListingPage {
 public:
  ListingPage(const ListOptions& options, std::size_t parts)
      : prefix_(options.prefix),
        after_(options.after),
        count_max_(std::clamp<std::size_t>(options.count_max, 1, kListCountMax)),
        parts_(parts),
        found_(count_max_) {}

  // What the next part is asked for; lives as long as this.
  ListRange range() const {
    return {.prefix = prefix_, .after = after_, .count_max = count_max_, .part = part_};
  }

  void take(StreamList&& list) {
    ++part_;
    if (list.next) found_.known_up_to(*list.next);
    for (StreamRecord& record : list.streams) {
      const std::string path = record.path;
      found_.add(path, std::move(record));
    }
  }

  bool complete() const { return part_ == parts_; }
  PageMerge<StreamRecord>& found() { return found_; }

  // Of the part that was asked for last.
  std::optional<Result<StreamList>> answer;

 private:
  const std::string prefix_;
  const std::string after_;
  const std::size_t count_max_;
  const std::size_t parts_;
  std::size_t part_ = 0;
  PageMerge<StreamRecord> found_;
};

}  // namespace durable_streams
