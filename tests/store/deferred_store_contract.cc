// Runs the contract suite over a store that makes its user wait, which shows that the suite itself
// can wait.
#include <durable_streams/memory_store.h>

#include "tests/store/store_contract.h"
#include "tests/support/deferred_store.h"
#include "tests/support/seed.h"

namespace durable_streams {

StoreUnderTest store_under_test() {
  const auto open = [] {
    auto store = std::make_unique<DeferredStore>(std::make_unique<MemoryStore>(), random_seed());
    store->set_waits(
        {.changes = true, .loads = true, .reads = true, .expired = true, .random = true});
    return store;
  };
  return {.open = open, .reopen = {}, .settle = [](Store& store) {
            static_cast<DeferredStore&>(store).settle();
          }};
}

}  // namespace durable_streams
