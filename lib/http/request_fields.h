// The header fields of a request that the protocol knows, found in one pass over its head.
#pragma once

#include <durable_streams/http/message.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace durable_streams::http {

enum class Field : std::uint8_t {
  kContentType,
  kHost,
  kIfNoneMatch,
  kProducerEpoch,
  kProducerId,
  kProducerSeq,
  kStreamClosed,
  kStreamExpiresAt,
  kStreamForkOffset,
  kStreamForkSubOffset,
  kStreamForkedFrom,
  kStreamSeq,
  kStreamTtl,
  kXForwardedHost,
  kXForwardedProto,
};
inline constexpr std::size_t kFieldCount = 15;

std::string_view name_of(Field field);

// Borrows the head's memory. Threads: one at a time.
class RequestFields {
 public:
  explicit RequestFields(std::span<const Header> headers);
  RequestFields(const RequestFields&) = delete;
  RequestFields& operator=(const RequestFields&) = delete;

  bool has(Field field) const { return (present_ & bit(field)) != 0; }

  // Empty when the field is not there, or has no value.
  std::string_view get(Field field) const { return values_[index(field)]; }

  std::optional<std::string_view> find(Field field) const {
    return has(field) ? std::optional(get(field)) : std::nullopt;
  }

  // A field of the protocol, or Content-Type, that stands there more than once though it has but
  // one value.
  std::optional<Field> repeated() const;

  // `Stream-Closed: true`, in whatever case; any other value counts as none (section 4.1).
  bool closes_stream() const;

 private:
  static constexpr std::size_t index(Field field) { return static_cast<std::size_t>(field); }
  static constexpr std::uint32_t bit(Field field) { return std::uint32_t{1} << index(field); }

  void add_again(Field field, std::string_view value);

  std::array<std::string_view, kFieldCount> values_;
  std::uint32_t present_ = 0;
  std::uint32_t repeated_ = 0;
  std::string joined_;  // several If-None-Match lines as one list
};

}  // namespace durable_streams::http
