// A batch is its records back to back, each behind its length, so that what the journal writes is
// what was gathered.
#include "store/file/journal_batch.h"

#include "base/assert.h"
#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "store/file/change_codec.h"

namespace durable_streams {

namespace {

const Slice* shared_body(const Change& change, std::string_view bytes) {
  const auto* append = std::get_if<AppendChange>(&change);
  if (append == nullptr || bytes.size() < JournalBatch::kSharedBytesMin) return nullptr;
  return append->owned.size() == bytes.size() ? &append->owned : nullptr;
}

}  // namespace

void JournalBatch::add(const Change& change) {
  head_.clear();
  const std::string_view bytes = encode_change(change, head_);
  ByteWriter writer(text_);
  writer.varint(head_.size() + bytes.size());
  writer.raw(head_);
  if (const Slice* body = shared_body(change, bytes)) {
    shared_.push_back({.at = text_.size(), .body = *body});
    shared_bytes_ += bytes.size();
  } else {
    writer.raw(bytes);
  }
  ++records_;
}

void JournalBatch::clear() {
  if (text_.capacity() > kKeptBytesMax) text_ = {};
  text_.clear();
  shared_.clear();
  shared_bytes_ = 0;
  records_ = 0;
}

void JournalBatch::for_each(Function<void(std::size_t index, const Change& change)>& visit) const {
  DecodedChange decoded;
  ByteReader in(text_);
  auto shared = shared_.begin();
  for (std::size_t index = 0; index < records_; ++index) {
    const std::uint64_t size = in.varint();
    const std::size_t begin = text_.size() - in.rest().size();
    // Only this record's own body can stand before its end: any other comes after it.
    const bool is_shared = shared != shared_.end() && shared->at < begin + size;
    const std::string_view record = in.raw(is_shared ? shared->at - begin : size);
    const bool valid = decode_change(record, decoded);
    DURABLE_STREAMS_ASSERT(valid);
    if (is_shared) {
      auto& append = std::get<AppendChange>(decoded.change);
      append.bytes = shared->body.view();
      append.owned = shared->body;
      ++shared;
    }
    visit(index, decoded.change);
  }
}

void JournalBatch::gather(std::vector<std::string_view>& parts) const {
  std::size_t from = 0;
  for (const Shared& shared : shared_) {
    parts.push_back(std::string_view(text_).substr(from, shared.at - from));
    parts.push_back(shared.body.view());
    from = shared.at;
  }
  if (from < text_.size()) parts.push_back(std::string_view(text_).substr(from));
}

}  // namespace durable_streams
