// Runs the contract suite over the memory store.
#include <durable_streams/memory_store.h>

#include "tests/store/store_contract.h"

namespace durable_streams {

StoreUnderTest store_under_test() {
  return {.open = [] { return std::make_unique<MemoryStore>(); }, .reopen = {}, .settle = {}};
}

}  // namespace durable_streams
