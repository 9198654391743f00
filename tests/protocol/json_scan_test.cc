// Runs of bytes are found alike by blocks of any size.
#include "protocol/json_scan.h"

#include <cstddef>
#include <string>

#include "tests/protocol/json_text_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::protocol {
namespace {

template <class Kind, class B>
void check_skip_while() {
  std::string plain;
  for (int byte = 0; byte < 256 && plain.empty(); ++byte) {
    if (Kind::holds(static_cast<unsigned char>(byte))) plain = static_cast<char>(byte);
  }
  for (std::size_t bytes = 0; bytes <= 40; ++bytes) {
    for (std::size_t at = 0; at < bytes; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = repeat(plain, bytes);
        text[at] = static_cast<char>(byte);
        const bool holds = Kind::holds(static_cast<unsigned char>(byte));
        const char* end = skip_while<Kind, B>(text.data(), text.data() + bytes);
        if (end != text.data() + (holds ? bytes : at))
          FAIL("byte " << byte << " at " << at << " of " << bytes);
      }
    }
  }
}

template <class B>
void check_scans() {
  check_skip_while<PlainInString, B>();
  check_skip_while<JsonSpace, B>();
  check_skip_while<AsciiDigit, B>();
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text = repeat("a", 40);
    CHECK(is_ascii<B>(text));
    text[at] = '\x80';
    CHECK_FALSE(is_ascii<B>(text));
    CHECK(is_ascii<B>(text.substr(0, at)));
  }
}

TEST_CASE("blocks of any size end a run where its bytes do", "[protocol][json]") {
  check_scans<Block>();
  check_scans<WordBlock>();
}

}  // namespace
}  // namespace durable_streams::protocol
