// HEAD, which tells of a stream without reading it, and DELETE (protocol sections 5.4 and 5.5).
#include <array>

#include "http/endpoint_state.h"
#include "protocol/expiry.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

namespace {

void add_expiry(ResponseFields& fields, const Expiry& expiry) {
  if (expiry.ttl) {
    fields.add(protocol::kStreamTtl, static_cast<std::uint64_t>(expiry.ttl->count()));
  }
  if (!expiry.at) return;
  std::array<char, protocol::kRfc3339BytesMax> buffer;
  const char* end = protocol::write_rfc3339(buffer.data(), *expiry.at);
  fields.add(protocol::kStreamExpiresAt,
             std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data())));
}

}  // namespace

void Exchange::Impl::describe(const Request& request) {
  const AtOnce<StreamView> answer = endpoint_->streams.info(
      request.target.path, [self = ExchangeReference(*this)](const Result<StreamView>& later) {
        self->on_described(later);
      });
  if (answer) on_described(*answer);
}

void Exchange::Impl::on_described(const Result<StreamView>& answer_or_error) {
  if (abandoned()) return;
  if (!answer_or_error.ok()) return answer_error(answer_or_error.error());
  const StreamView& stream = *answer_or_error;
  ResponseFields& fields = begin_fields();
  fields.add("Content-Type", stream.media_type->text);
  fields.add(protocol::kStreamNextOffset, stream.tail);
  add_expiry(fields, stream.expiry);
  if (stream.closed) fields.add_true(protocol::kStreamClosed);
  fields.add_no_store();
  // A GET's length is not known before it is paged.
  answer(200, std::nullopt);
}

void Exchange::Impl::remove(const Request& request) {
  const AtOnce<void> answer = endpoint_->streams.remove(
      request.target.path,
      [self = ExchangeReference(*this)](const Status& later) { self->on_removed(later); });
  if (answer) on_removed(*answer);
}

void Exchange::Impl::on_removed(const Status& removed) {
  if (abandoned()) return;
  if (!removed.ok()) return answer_error(removed.error());
  begin_fields().add_no_store();
  answer(204, std::nullopt);
}

}  // namespace durable_streams::http
