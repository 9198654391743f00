// Only what is set differs from the defaults.
#include "server/config/apply.h"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <utility>

namespace durable_streams::server {
namespace {

template <class Value>
requires(!std::unsigned_integral<Value>) void apply(const std::optional<Value>& from, Value& to) {
  if (from) to = *from;
}

// What is more than an option can hold is as much as it can.
template <std::unsigned_integral To>
void apply(const std::optional<std::uint64_t>& from, To& to) {
  if (from) to = static_cast<To>(std::min<std::uint64_t>(*from, std::numeric_limits<To>::max()));
}

}  // namespace

bool in_memory(const DurableStreamsConfig& config) {
  return config.data_dir.value_or(std::string()).empty();
}

FileStoreOptions file_store_options(const DurableStreamsConfig& config, FileStoreOptions defaults) {
  FileStoreOptions options = std::move(defaults);
  apply(config.data_dir, options.directory);
  apply(config.max_file_handles, options.max_file_handles);
  if (config.durability) {
    options.durability = config.durability->mode;
    apply(config.durability->sync_interval, options.sync_interval);
  }
  apply(config.journal_size, options.journal_bytes_max);
  apply(config.memtable_size, options.memtable_bytes_max);
  apply(config.settle_interval, options.settle_interval);
  apply(config.reserve, options.reserve_bytes);
  apply(config.read_cache, options.read_cache_bytes_max);
  apply(config.scrub_rate, options.scrub_bytes_per_second);
  apply(config.max_in_flight, options.in_flight_bytes_max);
  return options;
}

MemoryStoreOptions memory_store_options(const DurableStreamsConfig& config,
                                        MemoryStoreOptions defaults) {
  apply(config.max_memory, defaults.memory_bytes_max);
  return defaults;
}

EngineOptions engine_options(const DurableStreamsConfig& config, EngineOptions defaults) {
  apply(config.max_streams, defaults.streams_max);
  apply(config.max_stream_size, defaults.stream_bytes_max);
  apply(config.max_producers, defaults.producers_per_stream_max);
  apply(config.max_waiters, defaults.waiters_per_stream_max);
  if (config.producer_ttl) defaults.producer_ttl = config.producer_ttl;
  return defaults;
}

http::EndpointOptions endpoint_options(const DurableStreamsConfig& config,
                                       http::EndpointOptions defaults) {
  http::EndpointOptions options = std::move(defaults);
  apply(config.long_poll_timeout, options.long_poll_timeout);
  apply(config.sse_reconnect_interval, options.sse_reconnect_interval);
  apply(config.chunk_size, options.chunk_bytes_max);
  apply(config.max_body_size, options.body_bytes_max);
  apply(config.cors_origins, options.cors_origins);
  if (config.cache) options.public_cache = *config.cache == CacheScope::kPublic;
  return options;
}

Limits limits_of(const HttpLimitsConfig& config, Limits defaults) {
  apply(config.handshake_timeout, defaults.handshake_timeout);
  apply(config.header_timeout, defaults.header_timeout);
  apply(config.body_timeout, defaults.body_timeout);
  apply(config.idle_timeout, defaults.idle_timeout);
  apply(config.write_timeout, defaults.write_timeout);
  apply(config.max_header_size, defaults.header_bytes_max);
  apply(config.max_target_size, defaults.target_bytes_max);
  apply(config.max_connections, defaults.connections_max);
  apply(config.max_connections_per_address, defaults.connections_per_address_max);
  apply(config.max_queued, defaults.output_bytes_max);
  apply(config.max_bodies, defaults.bodies_bytes_max);
  return defaults;
}

DurableStreamsConfig store_part(const DurableStreamsConfig& config) {
  DurableStreamsConfig part = config;
  part.long_poll_timeout.reset();
  part.sse_reconnect_interval.reset();
  part.chunk_size.reset();
  part.max_body_size.reset();
  part.cache.reset();
  part.cors_origins.reset();
  return part;
}

}  // namespace durable_streams::server
