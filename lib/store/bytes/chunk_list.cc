// How appends fill chunks, and how positions are found in them again.
#include "store/bytes/chunk_list.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace durable_streams {

namespace {

constexpr std::size_t kAppendEndBytes = sizeof(std::uint32_t);

// What a chunk costs beside its bytes: its entry here, and the bookkeeping of shares and allocator.
constexpr std::uint64_t kChunkOverheadBytes = 96;

std::size_t append_end_bytes(Framing framing) {
  return framing == Framing::kBytes ? kAppendEndBytes : 0;
}

// The next capacity that fills the allocator's units of 16 bytes; 8 of them are the allocator's
// own.
std::size_t round_up_capacity(std::size_t bytes) { return (bytes + 7) / 16 * 16 + 8; }

// What was taken from a budget for one chunk; given back once, when the chunk is freed.
struct Charge {
  std::shared_ptr<MemoryBudget> budget;
  std::uint64_t bytes = 0;
};

// Allocates a chunk together with its count of shares, and gives its charge back when both go.
template <class T>
struct ChargedAllocator {
  using value_type = T;

  explicit ChargedAllocator(Charge given) : charge(std::move(given)) {}
  template <class U>
  explicit ChargedAllocator(const ChargedAllocator<U>& other) : charge(other.charge) {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) {
    std::allocator<T>().deallocate(memory, count);
    charge.budget->give_back(charge.bytes);
  }

  template <class U>
  bool operator==(const ChargedAllocator<U>& other) const {
    return charge.budget == other.charge.budget;
  }

  Charge charge;
};

// Memory that an append brought, shared on with its charge.
std::shared_ptr<char> adopt(const Slice& owned, Charge charge) {
  char* const data = const_cast<char*>(owned.data());
  return {data, [owner = owned.owner(), charge = std::move(charge)](char*) mutable {
            owner.reset();
            charge.budget->give_back(charge.bytes);
          }};
}

}  // namespace

std::uint32_t ChunkList::Chunk::append_end(std::uint32_t index) const {
  std::uint32_t position = 0;
  std::memcpy(&position, data.get() + capacity - kAppendEndBytes * (index + std::size_t{1}),
              kAppendEndBytes);
  return position;
}

std::uint32_t ChunkList::Chunk::append_ends_until(std::uint64_t position) const {
  std::uint32_t low = 0;
  std::uint32_t high = append_ends;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (append_end(middle) <= position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::uint64_t ChunkList::memory_for_append(std::string_view bytes, const Slice& owned,
                                           Framing framing) const {
  if (bytes.empty()) return 0;
  if (adopts(bytes, owned)) return bytes.size() + kChunkOverheadBytes;
  const std::size_t capacity = divide(bytes.size(), framing).new_chunk_capacity;
  return capacity == 0 ? 0 : capacity + kChunkOverheadBytes;
}

void ChunkList::append(std::string_view bytes, const Slice& owned, Framing framing,
                       const std::shared_ptr<MemoryBudget>& budget) {
  DURABLE_STREAMS_ASSERT(bytes.size() <= kAppendBytesMax);
  if (bytes.empty()) return;
  if (adopts(bytes, owned)) {
    Chunk adopted;
    adopted.data = adopt(owned, {.budget = budget, .bytes = owned.size() + kChunkOverheadBytes});
    adopted.capacity = static_cast<std::uint32_t>(owned.size());
    adopted.append_ends = Chunk::kAdopted;
    begin_chunk(std::move(adopted));
    end_ += owned.size();
    return;
  }
  const Division division = divide(bytes.size(), framing);
  copy(bytes.substr(0, division.into_current));
  if (division.new_chunk_capacity > 0) {
    Chunk fresh;
    const Charge charge{.budget = budget,
                        .bytes = division.new_chunk_capacity + kChunkOverheadBytes};
    std::shared_ptr<char[]> memory = std::allocate_shared_for_overwrite<char[]>(
        ChargedAllocator<char>(charge), division.new_chunk_capacity);
    char* const data = memory.get();
    fresh.data = std::shared_ptr<char>(std::move(memory), data);
    fresh.capacity = static_cast<std::uint32_t>(division.new_chunk_capacity);
    begin_chunk(std::move(fresh));
    copy(bytes.substr(division.into_current));
  }
  if (framing == Framing::kBytes) note_append_end();
}

void ChunkList::prepend(ChunkList older) {
  if (older.current_.data == nullptr) return;
  if (current_.data == nullptr) {
    *this = std::move(older);
    return;
  }
  auto chunks =
      older.full_ == nullptr ? std::make_unique<std::vector<Chunk>>() : std::move(older.full_);
  chunks->push_back(std::move(older.current_));
  if (full_ != nullptr)
    chunks->insert(chunks->end(), std::make_move_iterator(full_->begin()),
                   std::make_move_iterator(full_->end()));
  full_ = std::move(chunks);
}

void ChunkList::slice(std::uint64_t from, std::uint64_t to, std::vector<Slice>& out) const {
  if (from >= to) return;
  for (std::size_t index = chunk_at(from); from < to; ++index) {
    const Chunk& holder = chunk(index);
    const std::uint64_t part_end = std::min(to, chunk_end(index));
    out.emplace_back(holder.data,
                     std::string_view(holder.data.get() + (from - holder.begin), part_end - from));
    from = part_end;
  }
}

std::optional<std::uint64_t> ChunkList::last_append_end(std::uint64_t from,
                                                        std::uint64_t to) const {
  if (from >= to) return std::nullopt;
  for (std::size_t index = chunk_at(to - 1);; --index) {
    const Chunk& holder = chunk(index);
    std::optional<std::uint64_t> end;
    if (holder.adopted()) {
      if (to - holder.begin >= holder.capacity) end = holder.begin + holder.capacity;
    } else if (const std::uint32_t count = holder.append_ends_until(to - holder.begin); count > 0) {
      end = holder.begin + holder.append_end(count - 1);
    }
    if (end) return *end > from ? end : std::nullopt;
    if (index == 0 || holder.begin <= from) return std::nullopt;
  }
}

std::uint64_t ChunkList::append_end_after(std::uint64_t position) const {
  for (std::size_t index = chunk_at(position); index <= full_count(); ++index) {
    const Chunk& holder = chunk(index);
    if (holder.adopted()) return holder.begin + holder.capacity;
    const std::uint64_t before = std::max(position, holder.begin) - holder.begin;
    const std::uint32_t passed = holder.append_ends_until(before);
    if (passed < holder.append_ends) return holder.begin + holder.append_end(passed);
  }
  return end_;
}

bool ChunkList::adopts(std::string_view bytes, const Slice& owned) {
  return bytes.size() >= kAdoptBytesMin && owned.size() == bytes.size();
}

ChunkList::Division ChunkList::divide(std::size_t bytes, Framing framing) const {
  const std::size_t end_bytes = append_end_bytes(framing);
  std::size_t room = 0;
  std::size_t grown = 0;
  if (current_.data != nullptr && !current_.adopted()) {
    room = current_.capacity - (end_ - current_.begin) - end_bytes * current_.append_ends;
    grown = std::min(std::size_t{2} * current_.capacity, kChunkBytesMax);
  }
  Division division;
  if (bytes + end_bytes <= room) {
    division.into_current = bytes;
    return division;
  }
  // An append's end is kept beside its last byte, so where there is no room for it, that byte moves
  // on.
  division.into_current = std::min(room, bytes - 1);
  division.new_chunk_capacity =
      round_up_capacity(std::max(bytes - division.into_current + end_bytes, grown));
  return division;
}

void ChunkList::begin_chunk(Chunk chunk) {
  chunk.begin = end_;
  if (current_.data != nullptr) {
    if (full_ == nullptr) full_ = std::make_unique<std::vector<Chunk>>();
    full_->push_back(std::move(current_));
  }
  current_ = std::move(chunk);
}

void ChunkList::copy(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(current_.data.get() + (end_ - current_.begin), bytes.data(), bytes.size());
  end_ += bytes.size();
}

void ChunkList::note_append_end() {
  const auto position = static_cast<std::uint32_t>(end_ - current_.begin);
  const std::size_t index = current_.append_ends++;
  std::memcpy(current_.data.get() + current_.capacity - kAppendEndBytes * (index + 1), &position,
              kAppendEndBytes);
}

std::size_t ChunkList::chunk_at(std::uint64_t position) const {
  if (position >= current_.begin || full_ == nullptr) return full_count();
  const auto after =
      std::upper_bound(full_->begin(), full_->end(), position,
                       [](std::uint64_t wanted, const Chunk& each) { return wanted < each.begin; });
  return static_cast<std::size_t>(after - full_->begin()) - 1;
}

}  // namespace durable_streams
