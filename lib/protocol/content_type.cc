// Content types by type and subtype, compared in place.
#include "protocol/content_type.h"

#include "protocol/ascii.h"

#include <algorithm>
#include <string>

namespace durable_streams::protocol {
namespace {

Error invalid(std::string_view message) {
  return Error{ErrorCode::kInvalidArgument, std::string(message), {}};
}

// RFC 9110, section 5.5: a field value holds tabs, but no other control characters.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

}  // namespace

Status validate_content_type(std::string_view content_type) {
  const std::string_view type = media_type(content_type);
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || !is_token(type.substr(0, slash)) ||
      !is_token(type.substr(slash + 1))) {
    return invalid("the content type is not of the form type/subtype");
  }
  const std::string_view parameters =
      content_type.substr(std::min(content_type.size(), content_type.find(';')));
  if (std::any_of(parameters.begin(), parameters.end(), is_control)) {
    return invalid("the content type holds a control character");
  }
  return {};
}

std::string_view media_type(std::string_view content_type) {
  return trim_whitespace(content_type.substr(0, content_type.find(';')));
}

bool same_media_type(std::string_view a, std::string_view b) {
  return a == b || equal_ignoring_case(media_type(a), media_type(b));
}

bool is_json(std::string_view content_type) {
  return equal_ignoring_case(media_type(content_type), "application/json");
}

bool is_sse_text(std::string_view content_type) {
  return starts_with_ignoring_case(media_type(content_type), "text/") || is_json(content_type);
}

}  // namespace durable_streams::protocol
