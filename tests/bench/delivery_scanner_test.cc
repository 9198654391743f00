// Numbers are found once each, wherever the bytes are cut.
#include "bench/delivery_scanner.h"

#include "tests/support/catch.h"

#include <cstdint>
#include <string_view>
#include <vector>

using durable_streams::bench::DeliveryScanner;

TEST_CASE("numbered appends are found once each, however their bytes are cut",
          "[bench][delivery]") {
  constexpr std::string_view kText =
      "event: data\ndata:abc#seq=0000000007#xy\n\n##seq=0000000008#seq=0000000009#se";
  for (std::size_t piece_bytes = 1; piece_bytes <= kText.size(); ++piece_bytes) {
    INFO("pieces of " << piece_bytes);
    DeliveryScanner scanner;
    std::vector<std::uint64_t> numbers;
    for (std::size_t at = 0; at < kText.size(); at += piece_bytes) {
      scanner.scan(kText.substr(at, piece_bytes),
                   [&](std::uint64_t number) { numbers.push_back(number); });
    }
    CHECK(numbers == std::vector<std::uint64_t>{7, 8, 9});
  }
}
