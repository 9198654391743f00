// One shared MediaType for each content type in use, so that a stream keeps a pointer and not a
// text.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "engine/media_type.h"

namespace durable_streams {

// Threads: any.
class MediaTypeTable {
 public:
  // The shared type of a content type's text, parsed when it is new. Types that nothing uses are
  // forgotten in time.
  std::shared_ptr<const MediaType> get(std::string_view text);

 private:
  // Finds texts that are no strings yet.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Types =
      std::unordered_map<std::string, std::weak_ptr<const MediaType>, Hash, std::equal_to<>>;

  void forget_unused() DURABLE_STREAMS_REQUIRES(mutex_);

  Mutex mutex_;
  Types types_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::size_t forget_at_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 64;
};

}  // namespace durable_streams
