// A stream's content type with what follows from it, parsed once and shared by all streams that
// have it.
#pragma once

#include <durable_streams/store.h>

#include <string>

namespace durable_streams {

struct MediaType {
  std::string text;  // as given at creation, parameters included
  Framing framing = Framing::kBytes;
  bool sse_text = false;  // text/* or application/json: SSE carries it as it is, anything else in
                          // base64 (section 5.8)
};

}  // namespace durable_streams
