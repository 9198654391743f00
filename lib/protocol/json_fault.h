// What can be wrong with a text that should be JSON, and how to tell its sender.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace durable_streams::protocol {

// What was missing or not allowed at the place where reading ended.
enum class JsonFault : std::uint8_t {
  kNoValue,       // neither a value nor what may stand in its place
  kNoKey,         // a member of an object must begin with its name
  kNoColon,       // after the name of a member
  kNoCommaOrEnd,  // after an element or a member
  kTextAfter,     // after the one value
  kBadWord,       // not true, false or null
  kLeadingZero,
  kNoDigit,   // in a number
  kUnclosed,  // a string begins here that never ends
  kControl,   // a raw control character in a string
  kBadEscape,
  kBadHex,  // in \uXXXX
  kTooDeep,
  kBadUtf8,
};

// The error for a fault at byte `at` of `body`: kInvalidJson, with a message for a person.
Error describe_json_fault(std::string_view body, std::size_t at, JsonFault fault);

}  // namespace durable_streams::protocol
