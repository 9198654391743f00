// The CORS lists: they leave out no header that the protocol names.
#include "protocol/header_names.h"

#include "tests/support/catch.h"

#include <string_view>

namespace durable_streams::protocol {
namespace {

bool lists(std::string_view list, std::string_view name) {
  while (true) {
    const std::size_t comma = list.find(", ");
    if (list.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 2);
  }
}

TEST_CASE("CORS allows every request header of the protocol", "[protocol][cors]") {
  for (const std::string_view name :
       {std::string_view("Content-Type"), std::string_view("If-None-Match"),
        std::string_view("Authorization"), kStreamTtl, kStreamExpiresAt, kStreamSeq, kStreamClosed,
        kStreamForkedFrom, kStreamForkOffset, kStreamForkSubOffset, kProducerId, kProducerEpoch,
        kProducerSeq}) {
    INFO(name);
    CHECK(lists(kCorsRequestHeaders, name));
  }
}

TEST_CASE("CORS exposes every response header of the protocol", "[protocol][cors]") {
  for (const std::string_view name :
       {std::string_view("ETag"), std::string_view("Location"), std::string_view("Retry-After"),
        kStreamNextOffset, kStreamCursor, kStreamUpToDate, kStreamClosed, kStreamTtl,
        kStreamExpiresAt, kStreamSseDataEncoding, kProducerEpoch, kProducerSeq,
        kProducerExpectedSeq, kProducerReceivedSeq}) {
    INFO(name);
    CHECK(lists(kCorsResponseHeaders, name));
  }
}

TEST_CASE("a stream knows every method of the protocol", "[protocol][cors]") {
  for (const std::string_view method : {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"}) {
    INFO(method);
    CHECK(lists(kStreamMethods, method));
  }
}

}  // namespace
}  // namespace durable_streams::protocol
