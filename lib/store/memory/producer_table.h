// What one stream knows of its producers, as small as it can be kept: most streams have none or
// one.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/chain_table.h"

namespace durable_streams {

// Threads: one at a time.
class ProducerTable {
 public:
  ProducerTable() = default;
  ~ProducerTable();
  ProducerTable(const ProducerTable&) = delete;
  ProducerTable& operator=(const ProducerTable&) = delete;

  // What the table takes more with one more producer of this name.
  static std::uint64_t memory_for(std::string_view id);

  // Null when the producer is not known. `hash_key` is the same in every call.
  ProducerState* find(std::uint64_t hash_key, std::string_view id) const;

  // `id` must not be in the table yet.
  void insert(std::uint64_t hash_key, std::string_view id, ProducerState state);

  // Forgets a producer; fine if it is not in the table.
  void erase(std::uint64_t hash_key, std::string_view id);

  std::vector<UsedProducer> all() const;

 private:
  struct Producer;

  Producer* find_entry(std::uint64_t hash_key, std::string_view id) const;

  struct Links {
    static Producer*& next(Producer& producer);
    static std::uint64_t hash(const Producer& producer);
  };

  ChainTable<Producer, Links> producers_;
};

}  // namespace durable_streams
