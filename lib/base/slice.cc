// The one way a Slice comes to own memory by itself: a copy.
#include <durable_streams/slice.h>

#include <cstring>

namespace durable_streams {

Slice Slice::copy_of(std::string_view bytes) {
  std::shared_ptr<char[]> copy(new char[bytes.size()]);
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  const std::string_view view(copy.get(), bytes.size());
  return Slice(std::move(copy), view);
}

}  // namespace durable_streams
