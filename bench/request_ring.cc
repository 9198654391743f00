// The cycle is laid out once, and then as much of it again as one take() may need, so that what is
// taken never wraps.
#include "bench/request_ring.h"

namespace durable_streams::bench {

RequestRing::RequestRing(std::span<const RequestText> cycle, std::size_t most)
    : counters_(cycle.size()), cycle_(cycle.size()) {
  const std::size_t count = cycle.size() + most;
  for (std::size_t i = 0; i < count; ++i) {
    const RequestText& request = cycle[i % cycle.size()];
    slots_.push_back({.begin = bytes_.size(),
                      .counter_at = bytes_.size() + request.counter_at,
                      .counter_width = request.counter_width,
                      .counter_pad = request.counter_pad,
                      .counter = i % cycle.size()});
    bytes_.append(request.text);
  }
  slots_.push_back({.begin = bytes_.size()});
}

std::string_view RequestRing::take(std::size_t count) {
  const std::size_t first = next_;
  const std::size_t last = first + count;
  for (std::size_t i = first; i < last; ++i) {
    if (slots_[i].counter_width > 0) fill_counter(slots_[i]);
  }
  next_ = last % cycle_;
  const std::size_t begin = slots_[first].begin;
  return std::string_view(bytes_).substr(begin, slots_[last].begin - begin);
}

void RequestRing::fill_counter(const Slot& slot) {
  std::uint64_t rest = counters_[slot.counter]++;
  bool first = true;
  for (std::size_t at = slot.counter_at + slot.counter_width; at-- > slot.counter_at;) {
    bytes_[at] = rest > 0 || first ? static_cast<char>('0' + rest % 10) : slot.counter_pad;
    rest /= 10;
    first = false;
  }
}

}  // namespace durable_streams::bench
