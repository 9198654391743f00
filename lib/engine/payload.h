// What an append or create brings, in the form that is stored.
#pragma once

#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams {

struct Payload {
  std::string_view bytes;        // as stored
  Slice owned;                   // a share in the same bytes, if there is one
  bool no_messages = false;      // an empty JSON array
  std::optional<Error> invalid;  // not JSON
};

// Makes the stored form of a body, once, before any lock is taken if the framing is known then:
// validating a large JSON body takes long. Lives for one operation; `scratch` is memory that
// operations use again. Threads: one at a time.
class PayloadMaker {
 public:
  // `owned` may hold the same bytes as `body`.
  PayloadMaker(std::string_view body, const Slice& owned, std::string& scratch)
      : body_(body), owned_(owned), scratch_(scratch) {}

  // The body in the stored form of streams of this framing.
  const Payload& for_framing(Framing framing);

 private:
  void frame_json();

  const std::string_view body_;
  const Slice& owned_;
  std::string& scratch_;
  std::optional<Framing> made_for_;
  Payload payload_;
};

}  // namespace durable_streams
