// A piece mostly holds whole marks; only what may be the front of one is kept for the next.
#include "bench/delivery_scanner.h"

#include <algorithm>
#include <charconv>

namespace durable_streams::bench {

namespace {

constexpr std::size_t kMarkBytes = kMark.size() + kMarkDigits;

}  // namespace

void DeliveryScanner::scan(std::string_view piece, const OnNumber& on_number) {
  if (!tail_.empty()) {
    tail_.append(piece);
    piece = tail_;
  }
  std::size_t at = piece.find(kMark);
  while (at != std::string_view::npos && at + kMarkBytes <= piece.size()) {
    const char* digits = piece.data() + at + kMark.size();
    std::uint64_t number = 0;
    std::from_chars(digits, digits + kMarkDigits, number);
    on_number(number);
    piece.remove_prefix(at + kMarkBytes);
    at = piece.find(kMark);
  }
  const std::size_t kept =
      at != std::string_view::npos ? piece.size() - at : std::min(piece.size(), kMark.size() - 1);
  tail_ = std::string(piece.substr(piece.size() - kept));
}

}  // namespace durable_streams::bench
