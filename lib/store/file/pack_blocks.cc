// Reads blocks: from the cache or the file, whole runs of them with one call, and none unverified.
#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"
#include "store/file/pack.h"

namespace durable_streams {

namespace {

// So many blocks are read with one call: a page of 1 MiB that begins anywhere, and some.
constexpr std::uint64_t kRunBlocks = 32;

// A block of up to so many bytes is read with all the append ends it can have; most larger ones
// need far fewer.
constexpr std::uint64_t kSmallBlockBytes = 4096;

std::uint64_t likely_end_bytes(std::uint64_t data_bytes) {
  return data_bytes <= kSmallBlockBytes ? data_bytes : data_bytes / 32 + 64;
}

std::uint64_t block_of(const Extent& extent, std::uint64_t position) {
  return (position - extent.from) / pack_format::kBlockDataBytes;
}

}  // namespace

// A block of a run, where it lies in the file and, once verified, in memory.
struct Pack::Block {
  std::uint64_t first = 0;  // position in the stream
  std::uint32_t data_bytes = 0;
  std::uint64_t begin = 0;  // in the file
  std::uint64_t end = 0;
  std::string_view content;  // data, then ends
  std::string_view data;
  std::string_view ends;
  std::shared_ptr<const void> owner;

  void set_content(std::string_view bytes) {
    content = bytes;
    data = bytes.substr(0, data_bytes);
    ends = bytes.substr(data_bytes);
  }
};

// Blocks that follow one another: of the file in one piece of memory, of the cache each in its own.
struct Pack::Run {
  // The blocks `first_block` to `last_block` of the extent, with nothing in them yet.
  Run(const Extent& extent, std::uint64_t first_block, std::uint64_t last_block)
      : first(first_block), count(static_cast<std::size_t>(last_block - first_block + 1)) {
    for (std::size_t i = 0; i < count; ++i) {
      blocks[i].first = pack_format::block_first(extent, first + i);
      blocks[i].data_bytes =
          static_cast<std::uint32_t>(pack_format::block_data_bytes(extent, first + i));
    }
  }

  std::uint64_t first;
  std::size_t count;
  std::array<Block, kRunBlocks> blocks;
  std::shared_ptr<char[]> memory;
};

pack_format::BlockPlace Pack::place_of(StreamId id, const Block& block) const {
  return {.pack = id_, .stream = id, .first = block.first, .data_bytes = block.data_bytes};
}

Status Pack::check_range(StreamId id, const Extent& extent, std::uint64_t from,
                         std::uint64_t to) const {
  if (from >= to || from < extent.from || to > extent.to ||
      !pack_format::extent_is_possible(extent, id_, footer_.index_offset)) {
    return corrupt_range(id, from, to, "they cannot lie where they are said to be");
  }
  return {};
}

// `bytes` are what the file has from the block's begin to its end.
Status Pack::check_block(StreamId id, std::string_view bytes, Block& block) const {
  const std::uint64_t to = block.first + block.data_bytes;
  ByteReader reader(bytes);
  const std::uint32_t checksum = reader.u32();
  const std::uint32_t end_bytes = reader.u32();
  const std::string_view content = reader.rest();
  if (content.size() < block.data_bytes || content.size() - block.data_bytes != end_bytes) {
    return corrupt_range(id, block.first, to, "a block's length is wrong");
  }
  if (pack_format::block_checksum(place_of(id, block), end_bytes, content) != checksum) {
    return corrupt_range(id, block.first, to, "a block fails its checksum");
  }
  block.set_content(content);
  return {};
}

// The block's length stands in it, so more is read than it is likely to have, and the rest only
// where that was too little.
std::optional<Status> Pack::load_only_block(Wait wait, StreamId id, const Extent& extent,
                                            Run& out) {
  Block& block = out.blocks[0];
  const std::uint64_t room = footer_.index_offset - extent.offset;
  const std::uint64_t least = pack_format::kBlockHeaderBytes + block.data_bytes;
  std::uint64_t size = std::min(room, least + likely_end_bytes(block.data_bytes));
  out.memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(size));
  if (std::optional<Status> read = read_at(wait, extent.offset, out.memory.get(), size);
      !read || !read->ok()) {
    return read;
  }
  const std::uint64_t end_bytes =
      load_little_endian<std::uint32_t>(out.memory.get() + sizeof(std::uint32_t));
  if (end_bytes > block.data_bytes || end_bytes > room - least) {
    return corrupt_range(id, extent.from, extent.to, "a block's length is wrong");
  }
  if (least + end_bytes > size) {
    size = least + end_bytes;
    out.memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(size));
    if (std::optional<Status> read = read_at(wait, extent.offset, out.memory.get(), size);
        !read || !read->ok()) {
      return read;
    }
  }
  block.begin = extent.offset;
  block.end = extent.offset + least + end_bytes;
  return Status{};
}

// Reads from the extent's directory where the blocks of the run begin and end. No checksum covers
// it: a block that is not where it says fails its own.
std::optional<Status> Pack::find_blocks(Wait wait, StreamId id, const Extent& extent, Run& out) {
  constexpr std::uint64_t kEntryBytes = pack_format::kDirectoryEntryBytes;
  const std::uint64_t entries = pack_format::block_count(extent) - 1;
  const std::uint64_t first_entry =
      out.first == 0 ? 0 : out.first - 1;  // entry i: where block i + 1 begins
  const std::uint64_t last_entry = std::min(entries, out.first + out.count);
  char bytes[(kRunBlocks + 1) * kEntryBytes];
  const std::uint64_t size = (last_entry - first_entry) * kEntryBytes;
  if (std::optional<Status> read =
          read_at(wait, extent.directory + first_entry * kEntryBytes, bytes, size);
      !read || !read->ok()) {
    return read;
  }
  ByteReader reader(std::string_view(bytes, static_cast<std::size_t>(size)));
  std::uint64_t begin = out.first == 0 ? extent.offset : reader.u64();
  for (std::size_t i = 0; i < out.count; ++i) {
    Block& block = out.blocks[i];
    const std::uint64_t end = out.first + i == entries ? extent.directory : reader.u64();
    const std::uint64_t least = pack_format::kBlockHeaderBytes + block.data_bytes;
    if (begin < extent.offset || end > extent.directory || end < begin || end - begin < least ||
        end - begin > least + block.data_bytes) {
      return corrupt_range(id, block.first, block.first + block.data_bytes,
                           "its directory is damaged");
    }
    block.begin = begin;
    block.end = end;
    begin = end;
  }
  return Status{};
}

// All blocks of the run, read with one call and verified.
std::optional<Status> Pack::load(Wait wait, StreamId id, const Extent& extent, Run& out) {
  if (extent.directory == 0) {
    if (std::optional<Status> read = load_only_block(wait, id, extent, out); !read || !read->ok())
      return read;
  } else {
    if (std::optional<Status> found = find_blocks(wait, id, extent, out); !found || !found->ok())
      return found;
    const std::uint64_t size = out.blocks[out.count - 1].end - out.blocks[0].begin;
    out.memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(size));
    if (std::optional<Status> read = read_at(wait, out.blocks[0].begin, out.memory.get(), size);
        !read || !read->ok()) {
      return read;
    }
  }
  for (std::size_t i = 0; i < out.count; ++i) {
    Block& block = out.blocks[i];
    const std::string_view bytes = {out.memory.get() + (block.begin - out.blocks[0].begin),
                                    static_cast<std::size_t>(block.end - block.begin)};
    if (Status checked = check_block(id, bytes, block); !checked.ok()) return checked;
    block.owner = out.memory;
  }
  return Status{};
}

// All blocks of the run: those that the cache has, and the rest with one call, from the first that
// it has not to the last.
std::optional<Status> Pack::find_or_load(Wait wait, StreamId id, const Extent& extent, Run& out) {
  if (cache_ == nullptr) return load(wait, id, extent, out);
  std::size_t begin = out.count;
  std::size_t end = 0;
  for (std::size_t i = 0; i < out.count; ++i) {
    if (find_cached(id, out.blocks[i])) continue;
    begin = std::min(begin, i);
    end = i + 1;
  }
  if (end == 0) return Status{};
  Run missing(extent, out.first + begin, out.first + end - 1);
  std::optional<Status> loaded = load(wait, id, extent, missing);
  if (!loaded || !loaded->ok()) return loaded;
  for (std::size_t i = 0; i < missing.count; ++i) {
    Block& block = missing.blocks[i];
    cache_->offer(place_of(id, block), block.content);
    out.blocks[begin + i] = std::move(block);
  }
  return loaded;
}

bool Pack::find_cached(StreamId id, Block& block) const {
  BlockCache::Content cached = cache_->find(place_of(id, block));
  if (cached.bytes == nullptr) return false;
  block.set_content(cached.view());
  block.owner = std::move(cached.bytes);
  return true;
}

std::optional<Status> Pack::read(Wait wait, StreamId id, const Extent& extent, std::uint64_t from,
                                 std::uint64_t to, std::vector<Slice>& out) {
  if (Status checked = check_range(id, extent, from, to); !checked.ok()) return checked;
  const std::size_t slices_before = out.size();
  const std::uint64_t last = block_of(extent, to - 1);
  for (std::uint64_t first = block_of(extent, from); first <= last; first += kRunBlocks) {
    Run run(extent, first, std::min(last, first + kRunBlocks - 1));
    std::optional<Status> loaded = find_or_load(wait, id, extent, run);
    if (!loaded || !loaded->ok()) {
      out.resize(slices_before);
      return loaded;
    }
    for (std::size_t i = 0; i < run.count; ++i) {
      Block& block = run.blocks[i];
      const std::uint64_t begin = std::max(from, block.first) - block.first;
      const std::uint64_t end = std::min<std::uint64_t>(to - block.first, block.data_bytes);
      out.emplace_back(std::move(block.owner),
                       block.data.substr(static_cast<std::size_t>(begin),
                                         static_cast<std::size_t>(end - begin)));
    }
  }
  return Status{};
}

Status Pack::decode_ends(StreamId id, const Block& block, std::vector<std::uint64_t>& out) const {
  out.clear();
  const std::uint64_t to = block.first + block.data_bytes;
  std::uint64_t last = block.first;
  ByteReader reader(block.ends);
  while (!reader.at_end()) {
    const std::uint64_t distance = reader.varint();
    if (!reader.ok() || distance == 0 || distance > to - last) {
      return corrupt_range(id, block.first, to, "a block's append ends are impossible");
    }
    last += distance;
    out.push_back(last);
  }
  return {};
}

std::optional<Status> Pack::load_ends(Wait wait, StreamId id, const Extent& extent,
                                      std::uint64_t block, std::vector<std::uint64_t>& out) {
  Run run(extent, block, block);
  if (std::optional<Status> loaded = find_or_load(wait, id, extent, run);
      !loaded || !loaded->ok()) {
    return loaded;
  }
  return decode_ends(id, run.blocks[0], out);
}

std::optional<Result<std::uint64_t>> Pack::last_append_end(Wait wait, StreamId id,
                                                           const Extent& extent, std::uint64_t from,
                                                           std::uint64_t to) {
  if (Status checked = check_range(id, extent, from, to); !checked.ok()) return checked.error();
  std::vector<std::uint64_t> ends;
  const std::uint64_t first = block_of(extent, from);
  for (std::uint64_t block = block_of(extent, to - 1) + 1; block-- > first;) {
    const std::optional<Status> loaded = load_ends(wait, id, extent, block, ends);
    if (!loaded) return std::nullopt;
    if (!loaded->ok()) return loaded->error();
    const auto after = std::upper_bound(ends.begin(), ends.end(), to);
    if (after == ends.begin()) continue;
    const std::uint64_t end = *(after - 1);
    return end > from ? end : UINT64_MAX;
  }
  return UINT64_MAX;
}

std::optional<Result<std::uint64_t>> Pack::append_end_after(Wait wait, StreamId id,
                                                            const Extent& extent,
                                                            std::uint64_t position) {
  if (Status checked = check_range(id, extent, position, extent.to); !checked.ok())
    return checked.error();
  std::vector<std::uint64_t> ends;
  const std::uint64_t count = pack_format::block_count(extent);
  for (std::uint64_t block = block_of(extent, position); block < count; ++block) {
    const std::optional<Status> loaded = load_ends(wait, id, extent, block, ends);
    if (!loaded) return std::nullopt;
    if (!loaded->ok()) return loaded->error();
    const auto after = std::upper_bound(ends.begin(), ends.end(), position);
    if (after != ends.end()) return *after;
  }
  return UINT64_MAX;
}

Result<std::uint64_t> Pack::visit_blocks(StreamId id, const Extent& extent, std::uint64_t from,
                                         BlockVisitor& visit) {
  if (Status checked = check_range(id, extent, from, extent.to); !checked.ok())
    return checked.error();
  const std::uint64_t first = block_of(extent, from);
  const std::uint64_t last = std::min(pack_format::block_count(extent), first + kRunBlocks) - 1;
  Run run(extent, first, last);
  if (Status loaded = *load(Wait::kYes, id, extent, run); !loaded.ok()) return loaded.error();
  std::vector<std::uint64_t> ends;
  for (std::size_t i = 0; i < run.count; ++i) {
    const Block& block = run.blocks[i];
    if (Status decoded = decode_ends(id, block, ends); !decoded.ok()) return decoded.error();
    if (Status visited = visit(block.data, ends); !visited.ok()) return visited.error();
    from = block.first + block.data_bytes;
  }
  return from;
}

Status Pack::verify(StreamId id, const Extent& extent) {
  BlockVisitor nothing = [](std::string_view, std::span<const std::uint64_t>) { return Status{}; };
  std::uint64_t from = extent.from;
  do {
    const Result<std::uint64_t> visited = visit_blocks(id, extent, from, nothing);
    if (!visited) return visited.error();
    from = *visited;
  } while (from < extent.to);
  return {};
}

}  // namespace durable_streams
