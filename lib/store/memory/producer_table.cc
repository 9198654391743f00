// One allocation a producer: its links and state, and its name behind them.
#include "store/memory/producer_table.h"

#include <algorithm>
#include <new>

#include "base/keyed_hash.h"

namespace durable_streams {

struct ProducerTable::Producer {
  std::string_view id() const { return {reinterpret_cast<const char*>(this + 1), id_bytes}; }

  Producer* next;
  std::uint64_t hash;
  ProducerState state;
  std::size_t id_bytes;
};

ProducerTable::Producer*& ProducerTable::Links::next(Producer& producer) { return producer.next; }
std::uint64_t ProducerTable::Links::hash(const Producer& producer) { return producer.hash; }

ProducerTable::~ProducerTable() {
  producers_.clear([](Producer* producer) { ::operator delete(producer); });
}

std::uint64_t ProducerTable::memory_for(std::string_view id) {
  constexpr std::uint64_t kAllocatorAndBucketBytes = 32;
  return sizeof(Producer) + id.size() + kAllocatorAndBucketBytes;
}

ProducerTable::Producer* ProducerTable::find_entry(std::uint64_t hash_key,
                                                   std::string_view id) const {
  return producers_.find(keyed_hash(hash_key, id),
                         [&](const Producer& each) { return each.id() == id; });
}

ProducerState* ProducerTable::find(std::uint64_t hash_key, std::string_view id) const {
  Producer* producer = find_entry(hash_key, id);
  return producer == nullptr ? nullptr : &producer->state;
}

void ProducerTable::erase(std::uint64_t hash_key, std::string_view id) {
  Producer* producer = find_entry(hash_key, id);
  if (producer == nullptr) return;
  producers_.remove(*producer);
  ::operator delete(producer);
}

std::vector<UsedProducer> ProducerTable::all() const {
  std::vector<UsedProducer> all;
  all.reserve(producers_.size());
  producers_.for_each([&](const Producer& producer) {
    all.push_back({.last_used = producer.state.last_used, .id = std::string(producer.id())});
  });
  return all;
}

void ProducerTable::insert(std::uint64_t hash_key, std::string_view id, ProducerState state) {
  void* const memory = ::operator new(sizeof(Producer) + id.size());
  auto* const producer = ::new (memory) Producer{
      .next = nullptr, .hash = keyed_hash(hash_key, id), .state = state, .id_bytes = id.size()};
  std::copy(id.begin(), id.end(), reinterpret_cast<char*>(producer + 1));
  producers_.insert(*producer);
}

}  // namespace durable_streams
