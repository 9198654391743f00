// Names are told apart by their length, then by their first letter, so that most of a head is
// passed over at the cost of a few comparisons.
#include "http/request_fields.h"

#include <bit>

#include "protocol/ascii.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

namespace {

// In the order of Field.
constexpr std::array<std::string_view, kFieldCount> kNames = {
    "Content-Type",
    "Host",
    "If-None-Match",
    protocol::kProducerEpoch,
    protocol::kProducerId,
    protocol::kProducerSeq,
    protocol::kStreamClosed,
    protocol::kStreamExpiresAt,
    protocol::kStreamForkOffset,
    protocol::kStreamForkSubOffset,
    protocol::kStreamForkedFrom,
    protocol::kStreamSeq,
    protocol::kStreamTtl,
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
};

// The only field that `name` may be, by what is cheap to look at; the caller compares the rest.
std::optional<Field> candidate(std::string_view name) {
  const char first = name.empty() ? '\0' : protocol::to_lower(name[0]);
  switch (name.size()) {
    case 4:
      return Field::kHost;
    case 10:
      if (first != 's') return std::nullopt;
      return protocol::to_lower(name[7]) == 't' ? Field::kStreamTtl : Field::kStreamSeq;
    case 11:
      return Field::kProducerId;
    case 12:
      return first == 'c' ? Field::kContentType : Field::kProducerSeq;
    case 13:
      return first == 's' ? Field::kStreamClosed : Field::kIfNoneMatch;
    case 14:
      return first == 'p' ? std::optional(Field::kProducerEpoch) : std::nullopt;
    case 16:
      return Field::kXForwardedHost;
    case 17:
      return first == 's' ? Field::kStreamExpiresAt : Field::kXForwardedProto;
    case 18:
      if (first != 's') return std::nullopt;
      return protocol::to_lower(name[11]) == 'e' ? Field::kStreamForkedFrom
                                                 : Field::kStreamForkOffset;
    case 22:
      return Field::kStreamForkSubOffset;
    default:
      return std::nullopt;
  }
}

// Those that only the host or a proxy writes, and the one that is a list.
constexpr std::uint32_t bits_of(std::initializer_list<Field> fields) {
  std::uint32_t bits = 0;
  for (const Field field : fields) bits |= std::uint32_t{1} << static_cast<std::size_t>(field);
  return bits;
}

constexpr std::uint32_t kMayRepeat =
    bits_of({Field::kHost, Field::kIfNoneMatch, Field::kStreamClosed, Field::kXForwardedHost,
             Field::kXForwardedProto});

// Mostly clients spell names as the protocol does.
bool same_name(std::string_view a, std::string_view b) {
  return a == b || protocol::equal_ignoring_case(a, b);
}

}  // namespace

std::string_view name_of(Field field) { return kNames[static_cast<std::size_t>(field)]; }

RequestFields::RequestFields(std::span<const Header> headers) {
  for (const Header& header : headers) {
    const std::optional<Field> field = candidate(header.name);
    if (!field || !same_name(header.name, name_of(*field))) continue;
    if (has(*field)) {
      add_again(*field, header.value);
      continue;
    }
    present_ |= bit(*field);
    values_[index(*field)] = header.value;
  }
}

void RequestFields::add_again(Field field, std::string_view value) {
  repeated_ |= bit(field);
  if (field != Field::kIfNoneMatch) return;
  if (joined_.empty()) joined_ = get(field);
  joined_.append(", ").append(value);
  values_[index(field)] = joined_;
}

std::optional<Field> RequestFields::repeated() const {
  const std::uint32_t wrong = repeated_ & ~kMayRepeat;
  if (wrong == 0) return std::nullopt;
  return static_cast<Field>(std::countr_zero(wrong));
}

bool RequestFields::closes_stream() const {
  // Repeated, its value would be a list, which is not `true`.
  return protocol::equal_ignoring_case(get(Field::kStreamClosed), "true") &&
         (repeated_ & bit(Field::kStreamClosed)) == 0;
}

}  // namespace durable_streams::http
