// What a configuration says, as the options of the library and of the HTTP layer.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/file_store.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/memory_store.h>

#include "server/config/config.h"
#include "server/http/limits.h"

namespace durable_streams::server {

// What holds where a configuration says nothing.
struct ServerDefaults {
  Limits limits;
  http::EndpointOptions endpoint;
  EngineOptions engine;
  MemoryStoreOptions memory_store;
  FileStoreOptions file_store;
};

bool in_memory(const DurableStreamsConfig& config);
FileStoreOptions file_store_options(const DurableStreamsConfig& config, FileStoreOptions defaults);
MemoryStoreOptions memory_store_options(const DurableStreamsConfig& config,
                                        MemoryStoreOptions defaults);
EngineOptions engine_options(const DurableStreamsConfig& config, EngineOptions defaults);
// All but the prefix.
http::EndpointOptions endpoint_options(const DurableStreamsConfig& config,
                                       http::EndpointOptions defaults);
Limits limits_of(const HttpLimitsConfig& config, Limits defaults);

// The part of a configuration that cannot change while its store is open; the rest is as if nothing
// were set.
DurableStreamsConfig store_part(const DurableStreamsConfig& config);

}  // namespace durable_streams::server
