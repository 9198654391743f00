// Looks at the bytes around a fault once it is found, so that finding it stays cheap. Messages
// quote nothing of the body but one printable character.
#include "protocol/json_fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "protocol/json_scan.h"
#include "protocol/json_text.h"

namespace durable_streams::protocol {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The byte at `at`, as a person would name it.
std::string name_of(std::string_view body, std::size_t at) {
  if (at >= body.size()) return "the end";
  const auto byte = static_cast<unsigned char>(body[at]);
  if (byte > 0x20 && byte < 0x7F) return fmt::format("'{}'", body[at]);
  return fmt::format("byte 0x{:02X}", byte);
}

// Where the byte is: lines and columns count from 1, columns in characters, bytes from 0.
std::string place_of(std::string_view body, std::size_t at) {
  const std::string_view before = body.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::string_view row = before.substr(before.rfind('\n') + 1);
  const auto column = std::count_if(row.begin(), row.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  return fmt::format("line {}, column {} (byte {})", line, column + 1, at);
}

// Whether a comma is the last thing before `at`.
bool follows_comma(std::string_view body, std::size_t at) {
  while (at > 0 && JsonSpace::holds(static_cast<unsigned char>(body[at - 1]))) --at;
  return at > 0 && body[at - 1] == ',';
}

// What people send most often instead of JSON; empty for all else.
std::string_view known_mistake(std::string_view body, std::size_t at) {
  if (at >= body.size()) return {};
  if (at == 0 && body.starts_with(kByteOrderMark)) return "a byte order mark is not allowed";
  switch (body[at]) {
    case '/':
      return "comments are not allowed";
    case '\'':
      return "strings are quoted with \", not with '";
    case ']':
    case '}':
      return follows_comma(body, at) ? "a trailing comma is not allowed" : "";
    default:
      return {};
  }
}

std::string what_of(std::string_view body, std::size_t at, JsonFault fault) {
  switch (fault) {
    case JsonFault::kNoValue:
      return "expected a value, found " + name_of(body, at);
    case JsonFault::kNoKey:
      return "expected a member's name in double quotes, found " + name_of(body, at);
    case JsonFault::kNoColon:
      return "expected ':' after a member's name, found " + name_of(body, at);
    case JsonFault::kNoCommaOrEnd:
      return "expected ',' or the closing bracket, found " + name_of(body, at);
    case JsonFault::kTextAfter:
      return "expected one value, found more after it: " + name_of(body, at);
    case JsonFault::kBadWord:
      return "expected a value, found a word other than true, false and null";
    case JsonFault::kLeadingZero:
      return "a number must not begin with 0 and another digit";
    case JsonFault::kNoDigit:
      return "expected a digit, found " + name_of(body, at);
    case JsonFault::kUnclosed:
      return "the string that begins here is not closed";
    case JsonFault::kControl:
      return "a control character in a string must be escaped: " + name_of(body, at);
    case JsonFault::kBadEscape:
      return "a backslash in a string must not be followed by " + name_of(body, at);
    case JsonFault::kBadHex:
      return "expected four hexadecimal digits after \\u, found " + name_of(body, at);
    case JsonFault::kTooDeep:
      return fmt::format("nested deeper than {} levels", kJsonDepthMax);
    case JsonFault::kBadUtf8:
      return "not UTF-8: " + name_of(body, at);
  }
  return "not JSON";
}

// Whether the fault is that something other than what belongs there stands between two tokens.
bool between_tokens(JsonFault fault) { return fault <= JsonFault::kTextAfter; }

}  // namespace

Error describe_json_fault(std::string_view body, std::size_t at, JsonFault fault) {
  std::string_view mistake;
  if (between_tokens(fault)) mistake = known_mistake(body, at);
  const std::string what = mistake.empty() ? what_of(body, at, fault) : std::string(mistake);
  return {.code = ErrorCode::kInvalidJson,
          .message = fmt::format("invalid JSON at {}: {}", place_of(body, at), what),
          .detail = {}};
}

}  // namespace durable_streams::protocol
