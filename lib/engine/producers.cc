// How many producers a stream knows, and which of them may be forgotten (protocol section 5.2.1,
// "Producer State Cleanup").
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/engine_impl.h"

namespace durable_streams {

namespace {

// Asked for at a time, so that not every new producer looks at all of the others.
constexpr std::size_t kCandidatesMax = 64;

Error too_many_producers(std::size_t count_max) {
  return {
      .code = ErrorCode::kTooMany,
      .message = fmt::format(
          "the stream knows {} producers, as many as it may (producers_per_stream_max)", count_max),
      .detail = {}};
}

}  // namespace

bool Engine::Impl::is_idle(WallTime last_used) const {
  return options_.producer_ttl && now() - last_used > *options_.producer_ttl;
}

std::optional<ProducerState> Engine::Impl::known_state(const HeldProducer& held) const {
  if (held.state && is_idle(held.state->last_used)) return std::nullopt;
  return held.state;
}

Engine::Impl::ProducerPlace Engine::Impl::place_producer(Entry& entry, Stream& stream) {
  ProducerPlace place;
  if (stream.reserved.producers < options_.producers_per_stream_max) return place;
  if (options_.producer_ttl) {
    std::optional<std::string> idle = next_idle_producer(entry, stream, place);
    const bool may_be_more = !idle && !place.loading && !place.failure;
    if (may_be_more && find_idle_producers(entry, stream, place)) {
      idle = next_idle_producer(entry, stream, place);
    }
    const bool decided = idle || place.loading || place.failure;
    if (idle) place.forgotten = *std::move(idle);
    if (decided) return place;
  }
  place.failure = too_many_producers(options_.producers_per_stream_max);
  return place;
}

std::optional<std::string> Engine::Impl::next_idle_producer(Entry& entry, Stream& stream,
                                                            ProducerPlace& place) {
  if (stream.idle_producers == nullptr) return std::nullopt;
  std::vector<UsedProducer>& candidates = stream.idle_producers->candidates;
  while (!candidates.empty()) {
    // It may have been used or forgotten since the store told of it.
    const HeldProducer* held = find_producer(entry, stream, candidates.back().id, place.failure);
    if (held == nullptr) {
      place.loading = !place.failure;
      return std::nullopt;
    }
    const bool idle = held->state && is_idle(held->state->last_used);
    std::string id = std::move(candidates.back().id);
    candidates.pop_back();
    if (idle) return id;
  }
  return std::nullopt;
}

bool Engine::Impl::find_idle_producers(Entry& entry, Stream& stream, ProducerPlace& place) {
  if (stream.idle_producers != nullptr && now() < stream.idle_producers->none_before) return false;
  // The store does not know yet which ones changes in flight use or forget.
  const std::size_t count_max = kCandidatesMax + entry.pending.size();
  std::optional<Result<std::vector<UsedProducer>>> oldest =
      store_.oldest_producers_now(stream.id, count_max);
  if (oldest && !oldest->ok()) {
    place.failure = oldest->error();
    return false;
  }
  if (oldest) {
    take_idle_producers(stream, **std::move(oldest));
    return true;
  }
  place.loading = entry.loading = true;
  store_.oldest_producers(stream.id, count_max,
                          [life = life_, path = entry.path,
                           stream = entry.reserved](Result<std::vector<UsedProducer>> found) {
                            const std::shared_lock<std::shared_mutex> alive(life->mutex);
                            if (life->engine == nullptr) return;
                            life->engine->finish_loading_for(path, *stream, [&]() -> Status {
                              if (!found.ok()) return found.error();
                              life->engine->take_idle_producers(*stream, *std::move(found));
                              return {};
                            });
                          });
  return false;
}

void Engine::Impl::take_idle_producers(Stream& stream, std::vector<UsedProducer> oldest) const {
  const auto used = std::find_if(oldest.begin(), oldest.end(), [this](const UsedProducer& each) {
    return !is_idle(each.last_used);
  });
  // Of those not told of, each was used after the last one that was.
  const WallTime none_before =
      used == oldest.end() ? now() : used->last_used + *options_.producer_ttl;
  oldest.erase(used, oldest.end());
  std::reverse(oldest.begin(), oldest.end());
  stream.idle_producers = std::make_unique<IdleProducers>(
      IdleProducers{.candidates = std::move(oldest), .none_before = none_before});
}

}  // namespace durable_streams
