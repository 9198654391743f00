// The cursor of live reads (protocol section 10.1): a number that changes with time, so that
// clients which poll through a shared cache meet in one entry, and never in a stale one again and
// again.
#pragma once

#include <durable_streams/clock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace durable_streams::protocol {

// A cursor counts intervals of this length since this moment.
inline constexpr std::chrono::seconds kCursorInterval{20};
inline constexpr WallTime kCursorEpoch{
    std::chrono::sys_days{std::chrono::year{2024} / std::chrono::October / 9}};

// How far a cursor that a client is already at is advanced, at the most.
inline constexpr std::chrono::seconds kCursorJitterMax{3600};

// The digits of the greatest cursor.
inline constexpr std::size_t kCursorTextBytesMax = 20;

// Reads the cursor that a client echoes. What is not a number is not ours and counts as none. A
// number beyond 2^64-1, which no clock reaches, is read as 2^64-1.
std::optional<std::uint64_t> parse_cursor(std::string_view text);

// The cursor to answer with: the current interval, or, for a client that is already there or ahead,
// its own cursor advanced by up to kCursorJitterMax as `random` (any number) says. Always greater
// than the client's, except that it stays at 2^64-1 when it cannot grow: a cursor never goes back.
// A clock before the epoch counts as the epoch.
std::uint64_t next_cursor(WallTime now, std::optional<std::uint64_t> client, std::uint64_t random);

// Writes at most kCursorTextBytesMax characters to `out`; returns the end of what it wrote.
char* write_cursor(char* out, std::uint64_t cursor);

}  // namespace durable_streams::protocol
