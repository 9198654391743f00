// What a server is to do, as a value: both configuration languages are read into it, and the server
// runs from it alone.
#pragma once

#include <durable_streams/file_store.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace durable_streams::server {

// An option that is not set has the default of the library or the server; only what was written is
// written back.

using Milliseconds = std::chrono::milliseconds;

// The admin endpoint.
struct AdminConfig {
  bool enabled = true;
  std::string listen = "localhost:2019";

  bool operator==(const AdminConfig&) const = default;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kConsole, kJson };
enum class LogOutput : std::uint8_t { kStderr, kStdout, kDiscard };

// How lines are written: those of the server itself, or a site's access log.
struct LogConfig {
  std::optional<LogLevel> level = {};    // kInfo
  std::optional<LogFormat> format = {};  // kConsole where the output is a terminal, else kJson
  std::optional<LogOutput> output = {};  // kStderr

  bool operator==(const LogConfig&) const = default;
};

enum class CacheScope : std::uint8_t { kPublic, kPrivate };

struct DurabilityConfig {
  Durability mode = Durability::kAlways;
  std::optional<Milliseconds> sync_interval;  // of kInterval

  bool operator==(const DurabilityConfig&) const = default;
};

// One endpoint with streams of its own (`durable_streams`).
struct DurableStreamsConfig {
  // The store: what these say cannot change while it is open.
  std::optional<std::string> data_dir;  // empty or none: in memory
  std::optional<std::uint64_t> max_file_handles;
  std::optional<DurabilityConfig> durability;
  std::optional<std::uint64_t> max_memory;  // of a store in memory, in bytes
  std::optional<std::uint64_t> journal_size;
  std::optional<std::uint64_t> memtable_size;
  std::optional<Milliseconds> settle_interval;
  std::optional<std::uint64_t> reserve;
  std::optional<std::uint64_t> read_cache;     // bytes of settled streams held in memory; 0: none
  std::optional<std::uint64_t> scrub_rate;     // bytes a second; 0: no scrubbing
  std::optional<std::uint64_t> max_in_flight;  // bytes of changes that wait for the disk
  std::optional<std::uint64_t> max_streams;
  std::optional<std::uint64_t> max_stream_size;  // bytes
  std::optional<std::uint64_t> max_producers;    // of a stream
  std::optional<Milliseconds> producer_ttl;
  std::optional<std::uint64_t> max_waiters;  // live readers of a stream

  // The endpoint: applied by a reload.
  std::optional<Milliseconds> long_poll_timeout;
  std::optional<Milliseconds> sse_reconnect_interval;
  std::optional<std::uint64_t> chunk_size;     // bytes of a read's response
  std::optional<std::uint64_t> max_body_size;  // bytes
  std::optional<CacheScope> cache;
  std::optional<std::vector<std::string>> cors_origins;  // `*`, or origins; empty: no CORS headers

  bool operator==(const DurableStreamsConfig&) const = default;
};

// Answers by itself (`respond`).
struct RespondConfig {
  int status = 200;
  std::string body;

  bool operator==(const RespondConfig&) const = default;
};

// What a middleware is for: paths as in RouteConfig::paths; none: all of its route.
using PathPatterns = std::vector<std::string>;

struct HeaderOperation {
  enum class Kind : std::uint8_t {
    kSet,      // instead of what is there
    kAdd,      // beside what is there
    kRemove,   // `value` is empty
    kDefault,  // unless there is one
  };
  Kind kind = Kind::kSet;
  std::string name;
  std::string value;

  bool operator==(const HeaderOperation&) const = default;
};

// Changes the headers of responses (`header`).
struct HeaderConfig {
  PathPatterns paths;
  std::vector<HeaderOperation> operations;

  bool operator==(const HeaderConfig&) const = default;
};

struct AccessRights {
  bool read = false;
  bool write = false;
  bool create = false;
  bool remove = false;  // `delete`

  bool operator==(const AccessRights&) const = default;
};

// So many requests a second, and so many at once; more are 429.
struct RateLimit {
  double per_second = 0;
  std::optional<std::uint64_t> burst = {};  // as many as in a second, at least one

  bool operator==(const RateLimit&) const = default;
};

// What everybody may do to the streams that match.
struct AnonymousConfig {
  AccessRights rights = {};
  PathPatterns streams = {};  // globs over the whole URL path; none: all

  bool operator==(const AnonymousConfig&) const = default;
};

// Who may do what (`authorize`).
struct AuthorizeConfig {
  PathPatterns paths = {};
  std::optional<std::string> token_file = {};
  std::vector<AnonymousConfig> anonymous = {};
  std::optional<RateLimit> rate_per_token = {};
  std::optional<RateLimit> rate_per_address = {};  // of who shows no token

  bool operator==(const AuthorizeConfig&) const = default;
};

// Writes a line for each request (`log`).
struct AccessLogConfig {
  LogConfig log;

  bool operator==(const AccessLogConfig&) const = default;
};

using MiddlewareConfig = std::variant<AccessLogConfig, HeaderConfig, AuthorizeConfig>;
// monostate: 404.
using TerminalConfig = std::variant<std::monostate, DurableStreamsConfig, RespondConfig>;

// A request belongs to the route whose hosts and paths match it best: a host before any host, then
// the longest path, then the first.
struct RouteConfig {
  std::vector<std::string> hosts;  // lower case, without port; `*.example.com`; none: any
  PathPatterns paths;              // `/exact` or `/prefix/*`; none: any
  std::vector<MiddlewareConfig> middlewares;
  TerminalConfig terminal;

  bool operator==(const RouteConfig&) const = default;
};

struct CertificateConfig {
  std::string certificate_file;
  std::string key_file;

  bool operator==(const CertificateConfig&) const = default;
};

// None of both: plain HTTP.
struct TlsConfig {
  std::vector<CertificateConfig> certificates;
  std::vector<std::string> internal;  // names that the local authority makes certificates for

  bool enabled() const { return !certificates.empty() || !internal.empty(); }
  bool operator==(const TlsConfig&) const = default;
};

// Limits of HTTP/1.1, by the names that docs/limits.md explains.
struct HttpLimitsConfig {
  std::optional<Milliseconds> handshake_timeout;
  std::optional<Milliseconds> header_timeout;
  std::optional<Milliseconds> body_timeout;
  std::optional<Milliseconds> idle_timeout;
  std::optional<Milliseconds> write_timeout;
  std::optional<std::uint64_t> max_header_size;
  std::optional<std::uint64_t> max_target_size;
  std::optional<std::uint64_t> max_connections;
  std::optional<std::uint64_t> max_connections_per_address;
  std::optional<std::uint64_t> max_queued;  // bytes queued to one connection
  std::optional<std::uint64_t> max_bodies;  // bytes of bodies that have come in part

  bool operator==(const HttpLimitsConfig&) const = default;
};

// What listens at some addresses (`apps.http.servers.NAME`).
struct HttpServerConfig {
  std::string name;                 // `srv0`
  std::vector<std::string> listen;  // `:8787`, `localhost:8787`, `[::1]:443`
  TlsConfig tls;
  std::vector<std::string> trusted_proxies;  // addresses and ranges, `10.0.0.0/8`
  HttpLimitsConfig limits;
  std::vector<RouteConfig> routes;

  bool operator==(const HttpServerConfig&) const = default;
};

struct Config {
  AdminConfig admin;
  LogConfig log;
  std::optional<std::uint64_t> threads;
  std::optional<Milliseconds> drain_timeout;  // `grace_period`
  std::vector<HttpServerConfig> servers;

  bool operator==(const Config&) const = default;
};

}  // namespace durable_streams::server
