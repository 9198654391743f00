// Where a page ends: how every store shortens what it found to whole messages.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>

namespace durable_streams {

// How far the end of a message larger than its page is looked for at a time.
inline constexpr std::uint64_t kMessageSearchBytes = std::uint64_t{256} * 1024;

// Shortens `page` to end at `end`, a position in it.
void shorten(StoredBytes& page, std::uint64_t end);

// Shortens a page of a JSON stream to the last message that ends in it; false, and nothing changed,
// when none does.
bool shorten_to_last_message(StoredBytes& page);

// Shortens a page of a JSON stream to the first message that ends in its slices from the one at
// `index` on, which begins at `slice_begin`; false, and nothing changed, when none does.
bool shorten_to_first_message(StoredBytes& page, std::size_t index, std::uint64_t slice_begin);

}  // namespace durable_streams
