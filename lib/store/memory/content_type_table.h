// Keeps each content type once, however many streams have it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/chain_table.h"
#include "base/mutex.h"

namespace durable_streams {

class ContentTypeTable;

// A share in one kept content type. Threads: one at a time.
class ContentTypeRef {
 public:
  ContentTypeRef() = default;
  ContentTypeRef(ContentTypeRef&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  ContentTypeRef& operator=(ContentTypeRef&& other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~ContentTypeRef();

  std::string_view text() const;

 private:
  friend class ContentTypeTable;
  struct Entry;
  explicit ContentTypeRef(Entry& entry) : entry_(&entry) {}

  Entry* entry_ = nullptr;
};

// Outlives the shares in it. Threads: any.
class ContentTypeTable {
 public:
  explicit ContentTypeTable(std::uint64_t hash_key) : hash_key_(hash_key) {}
  ContentTypeTable(const ContentTypeTable&) = delete;
  ContentTypeTable& operator=(const ContentTypeTable&) = delete;

  ContentTypeRef get(std::string_view text);

 private:
  friend class ContentTypeRef;
  using Entry = ContentTypeRef::Entry;
  struct Links {
    static Entry*& next(Entry& entry);
    static std::uint64_t hash(const Entry& entry);
  };

  void release(Entry& entry);

  const std::uint64_t hash_key_;
  Mutex mutex_;
  ChainTable<Entry, Links> entries_ DURABLE_STREAMS_GUARDED_BY(mutex_);
};

}  // namespace durable_streams
