// The public faces of endpoint and exchange.
#include <durable_streams/http/endpoint.h>

#include <utility>

#include "http/endpoint_state.h"

namespace durable_streams::http {

static_assert(sizeof(Exchange::Impl) <= 256, "one is held for every waiting reader");

class Endpoint::Impl final : public EndpointState {
 public:
  using EndpointState::EndpointState;
};

Endpoint::Endpoint(Streams& streams, EndpointOptions options)
    : impl_(std::make_unique<Impl>(streams, std::move(options))) {}

Endpoint::~Endpoint() = default;

bool Endpoint::serves(std::string_view target) const { return impl_->paths.serves(target); }

Exchange Endpoint::start(const RequestHead& head, ResponseSink& sink) {
  Exchange::Impl& exchange = impl_->take_exchange(sink);
  exchange.start(head);
  return Exchange(&exchange);
}

void Endpoint::drain() { impl_->drain(); }

const EndpointOptions& Endpoint::options() const { return impl_->options; }

Exchange::Exchange() = default;

Exchange::Exchange(Exchange&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}

Exchange& Exchange::operator=(Exchange&& other) noexcept {
  if (this == &other) return *this;
  if (impl_ != nullptr) impl_->abandon();
  impl_ = std::exchange(other.impl_, nullptr);
  return *this;
}

Exchange::~Exchange() {
  if (impl_ != nullptr) impl_->abandon();
}

bool Exchange::wants_body() const { return impl_ != nullptr && impl_->wants_body(); }

void Exchange::body(std::string_view piece, bool last) {
  if (impl_ != nullptr) impl_->body(piece, last);
}

void Exchange::announce(std::uint64_t bytes) {
  if (impl_ != nullptr) impl_->announce(bytes);
}

void Exchange::writable() {
  if (impl_ != nullptr) impl_->writable();
}

void Exchange::probe() {
  if (impl_ != nullptr) impl_->probe();
}

bool Exchange::live() const { return impl_ != nullptr && impl_->live(); }

}  // namespace durable_streams::http
