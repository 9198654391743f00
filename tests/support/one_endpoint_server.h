// A server with one endpoint at /v1/stream/ and every option in the test's hands.
#pragma once

#include <optional>
#include <utility>

#include "server/server.h"

namespace durable_streams::server {

struct ServerOptions {
  Limits limits;
  http::EndpointOptions endpoint;
  EngineOptions engine;
  MemoryStoreOptions memory_store;
  std::optional<FileStoreOptions> file_store;  // when set, streams are kept there and not in memory
  std::size_t threads = 2;
};

inline Config one_endpoint(const ServerOptions& options) {
  DurableStreamsConfig streams;
  if (options.file_store) streams.data_dir = options.file_store->directory;
  RouteConfig route;
  route.paths = {"/v1/stream/*"};
  route.terminal = streams;
  HttpServerConfig server;
  server.name = "test";
  server.listen = {"127.0.0.1:0"};
  server.routes = {std::move(route)};
  Config config;
  config.admin.enabled = false;
  config.threads = options.threads;
  config.servers.push_back(std::move(server));
  return config;
}

// A null log says nothing.
inline Result<std::unique_ptr<Server>> open_server(const ServerOptions& options, Logger log = {}) {
  ServerContext context;
  context.defaults.limits = options.limits;
  context.defaults.endpoint = options.endpoint;
  context.defaults.engine = options.engine;
  context.defaults.memory_store = options.memory_store;
  if (options.file_store) context.defaults.file_store = *options.file_store;
  context.make_logger = [log](const LogConfig&) { return log; };
  return Server::open(one_endpoint(options), std::move(context));
}

}  // namespace durable_streams::server
