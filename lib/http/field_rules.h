// What is said of malformed header fields, in the same words for every method.
#pragma once

#include <durable_streams/result.h>

#include <string>
#include <string_view>

#include "http/request_fields.h"

namespace durable_streams::http {

inline Error invalid(std::string message) {
  return {.code = ErrorCode::kInvalidArgument, .message = std::move(message), .detail = {}};
}

inline Error repeated_field(Field field) {
  return invalid("the header " + std::string(name_of(field)) + " is repeated");
}

}  // namespace durable_streams::http
