// Messages end with a byte that occurs nowhere else in a JSON stream, so ends are found by looking at bytes alone.
#include "store/page_cut.h"

#include <string_view>

#include "protocol/json_messages.h"

namespace durable_streams {

namespace {

constexpr char kMessageEnd = protocol::kJsonMessageEnd.back();

}  // namespace

void shorten(StoredBytes& page, std::uint64_t end) {
  while (page.end > end) {
    Slice& last = page.slices.back();
    const std::uint64_t last_begin = page.end - last.size();
    if (last_begin >= end) {
      page.slices.pop_back();
      page.end = last_begin;
    } else {
      last = last.sub(0, end - last_begin);
      page.end = end;
    }
  }
}

bool shorten_to_last_message(StoredBytes& page) {
  std::uint64_t slice_end = page.end;
  for (auto slice = page.slices.rbegin(); slice != page.slices.rend(); ++slice) {
    const std::size_t at = slice->view().rfind(kMessageEnd);
    const std::uint64_t slice_begin = slice_end - slice->size();
    if (at != std::string_view::npos) {
      shorten(page, slice_begin + at + 1);
      return true;
    }
    slice_end = slice_begin;
  }
  return false;
}

bool shorten_to_first_message(StoredBytes& page, std::size_t index, std::uint64_t slice_begin) {
  for (; index < page.slices.size(); ++index) {
    const std::size_t at = page.slices[index].view().find(kMessageEnd);
    if (at != std::string_view::npos) {
      shorten(page, slice_begin + at + 1);
      return true;
    }
    slice_begin += page.slices[index].size();
  }
  return false;
}

}  // namespace durable_streams
