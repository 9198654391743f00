// Sharing is counted under the table's lock: it changes only when streams are created and removed.
#include "store/memory/content_type_table.h"

#include <string>

#include "base/keyed_hash.h"

namespace durable_streams {

struct ContentTypeRef::Entry {
  ContentTypeTable& table;
  const std::uint64_t hash;
  const std::string text;
  std::size_t shares = 0;  // guarded by the table's lock
  Entry* next = nullptr;   // guarded by the table's lock
};

ContentTypeRef::~ContentTypeRef() {
  if (entry_ != nullptr) entry_->table.release(*entry_);
}

std::string_view ContentTypeRef::text() const {
  return entry_ == nullptr ? std::string_view() : std::string_view(entry_->text);
}

ContentTypeTable::Entry*& ContentTypeTable::Links::next(Entry& entry) { return entry.next; }
std::uint64_t ContentTypeTable::Links::hash(const Entry& entry) { return entry.hash; }

ContentTypeRef ContentTypeTable::get(std::string_view text) {
  if (text.empty()) return {};
  const std::uint64_t hash = keyed_hash(hash_key_, text);
  const MutexLock lock(mutex_);
  Entry* entry = entries_.find(hash, [&](const Entry& each) { return each.text == text; });
  if (entry == nullptr) {
    entry = new Entry{.table = *this, .hash = hash, .text = std::string(text)};
    entries_.insert(*entry);
  }
  ++entry->shares;
  return ContentTypeRef(*entry);
}

void ContentTypeTable::release(Entry& entry) {
  std::unique_ptr<Entry> unused;
  const MutexLock lock(mutex_);
  if (--entry.shares > 0) return;
  entries_.remove(entry);
  unused.reset(&entry);
}

}  // namespace durable_streams
