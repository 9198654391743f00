// Ends the process on a broken invariant, naming it on standard error: there is no caller left to
// tell.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace durable_streams::internal {

void fail_assertion(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "durable_streams: %s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace durable_streams::internal
