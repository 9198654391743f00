// Finds the numbered appends of a run in what a subscriber is sent, however it is cut into pieces
// and framed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace durable_streams::bench {

// What the scanner looks for: this mark, then kMarkDigits decimal digits.
inline constexpr std::string_view kMark = "#seq=";
inline constexpr std::size_t kMarkDigits = 10;

// Threads: one at a time.
class DeliveryScanner {
 public:
  using OnNumber = std::function<void(std::uint64_t)>;

  // Calls `on_number` for each mark that `piece` completes, in order.
  void scan(std::string_view piece, const OnNumber& on_number);

 private:
  std::string tail_;  // of what was scanned: it may hold the beginning of a mark
};

}  // namespace durable_streams::bench
