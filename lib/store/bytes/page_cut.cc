// Ends of messages are found by looking at bytes alone.
#include "store/bytes/page_cut.h"

#include "protocol/json_messages.h"

namespace durable_streams {

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
    const std::size_t message_end = protocol::last_json_message_end(slice->view());
    const std::uint64_t slice_begin = slice_end - slice->size();
    if (message_end > 0) {
      shorten(page, slice_begin + message_end);
      return true;
    }
    slice_end = slice_begin;
  }
  return false;
}

bool shorten_to_first_message(StoredBytes& page, std::size_t index, std::uint64_t slice_begin) {
  std::uint64_t messages = 1;
  for (; index < page.slices.size(); ++index) {
    slice_begin += protocol::skip_json_messages(page.slices[index].view(), &messages);
    if (messages == 0) {
      shorten(page, slice_begin);
      return true;
    }
  }
  return false;
}

}  // namespace durable_streams
