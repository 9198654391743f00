// Sizes as Caddy writes them: `10MB`, `64KiB`, `1.5GiB`, or plain bytes.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace durable_streams::server {

// Units: B; kB, MB, GB, TB (powers of 1000, also without the B); KiB, MiB, GiB, TiB (powers of
// 1024). Case does not matter. What is less than a byte is cut off.
Result<std::uint64_t> parse_size(std::string_view text);

// The same value as parse_size() reads, with the largest unit that says it exactly: `64KiB`,
// `10MB`.
std::string size_text(std::uint64_t bytes);

}  // namespace durable_streams::server
