// The arithmetic of a page: clamping to the tail, the check of a JSON offset, and what remains to
// be told to the reader.
#include "engine/page_read.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/json_messages.h"
#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

// Takes the first `count` bytes off a list of slices, and returns them.
std::string take_front(std::vector<Slice>& slices, std::size_t count) {
  std::string taken;
  std::size_t whole = 0;
  while (whole < slices.size() && taken.size() + slices[whole].size() <= count) {
    taken += slices[whole++].view();
  }
  if (whole < slices.size() && taken.size() < count) {
    const std::size_t part = count - taken.size();
    taken += slices[whole].view().substr(0, part);
    slices[whole] = slices[whole].sub(part);
  }
  slices.erase(slices.begin(), slices.begin() + static_cast<std::ptrdiff_t>(whole));
  return taken;
}

}  // namespace

PageRead::PageRead(const StreamView& stream, Offset start, std::size_t bytes_max, Page& page)
    : id_(stream.id),
      framing_(stream.media_type->framing),
      start_(start),
      tail_(stream.tail),
      sequences_(stream.sequences),
      closed_(stream.closed),
      bytes_max_(bytes_max) {
  page.slices.clear();
  if (start_.position >= tail_.position) {
    end_page(page, tail_.position);
  } else if (framing_ == Framing::kJson && start_.position > 0) {
    read_along_ = std::min<std::uint64_t>(protocol::kJsonMessageEnd.size(), start_.position);
  }
}

std::optional<ReadRange> PageRead::next_range() const {
  if (done_) return std::nullopt;
  return ReadRange{.id = id_,
                   .from = start_.position - read_along_,
                   .to = tail_.position,
                   .bytes_max = bytes_max_ + read_along_};
}

Status PageRead::take(StoredBytes bytes, Page& page) {
  if (read_along_ > 0) {
    if (take_front(bytes.slices, read_along_) != protocol::kJsonMessageEnd) {
      return Error{.code = ErrorCode::kInvalidArgument,
                   .message = "the offset lies inside a message of the stream",
                   .detail = {}};
    }
    read_along_ = 0;
    // The bytes before counted as a message; one that follows but does not fit comes whole only
    // when asked for alone.
    if (bytes.end == start_.position) return {};
  }
  page.slices = std::move(bytes.slices);
  end_page(page, bytes.end);
  return {};
}

void PageRead::end_page(Page& page, std::uint64_t end) {
  done_ = true;
  page.framing = framing_;
  page.start = start_;
  page.up_to_date = end >= tail_.position;
  page.next_offset = {.read_sequence = 0, .position = end};
  if (page.up_to_date) {
    page.next_offset = tail_;
  } else if (sequences_ != nullptr) {
    page.next_offset.read_sequence = protocol::sequence_at(*sequences_, end);
  }
  page.closed = closed_ && page.up_to_date;
}

}  // namespace durable_streams
