// Every value has been read already; here they meet.
#include "server/config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "server/access/ip_address.h"
#include "server/access/trusted_proxies.h"
#include "server/config/path_pattern.h"
#include "server/net/listen_address.h"

namespace durable_streams::server {
namespace {

// Not a header that an answer may be given, for the server writes it itself.
bool is_own_field(std::string_view name) {
  constexpr std::string_view kOwn[] = {"connection", "content-length",    "date",
                                       "keep-alive", "transfer-encoding", "x-request-id"};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(std::begin(kOwn), std::end(kOwn), lower) != std::end(kOwn);
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

constexpr std::string_view kEveryIpv4 = "0.0.0.0";
constexpr std::string_view kEveryIpv6 = "::";

// What is listened at for the host, one spelling for each address. A name that has to be looked up
// stands for itself, as an IPv4 address would.
std::vector<std::string> addresses_of(const std::string& host) {
  if (host.empty()) return {std::string(kEveryIpv4), std::string(kEveryIpv6)};
  if (host == "localhost") return {"127.0.0.1", "::1"};
  const std::optional<IpAddress> ip = IpAddress::parse(host);
  return {ip ? ip->to_string() : host};
}

bool is_every(std::string_view address) { return address == kEveryIpv4 || address == kEveryIpv6; }

bool holds(std::string_view all, std::string_view address) {
  const bool ipv6 = address.find(':') != std::string_view::npos;
  return all == address || all == (ipv6 ? kEveryIpv6 : kEveryIpv4);
}

class Checker {
 public:
  explicit Checker(const Config& config) : config_(config) {}

  std::optional<ConfigFault> run() {
    if (config_.servers.empty() && !config_.admin.enabled)
      fault(ConfigPlace(), "nothing is served: a site is missing");
    if (config_.admin.enabled) check_listen(ConfigPlace(), "admin.listen", config_.admin.listen);
    for (std::size_t i = 0; i < config_.servers.size(); ++i) {
      place_ = {.server = i, .route = {}, .middleware = {}, .field = {}};
      check_server(config_.servers[i]);
    }
    return std::move(fault_);
  }

 private:
  struct Listened {
    std::string text;
    ListenAddress address;
  };

  void fault(ConfigPlace place, std::string message) {
    if (!fault_) fault_ = ConfigFault{std::move(place), std::move(message)};
  }
  void fault(std::string_view field, std::string message) {
    ConfigPlace place = place_;
    place.field = field;
    fault(std::move(place), std::move(message));
  }

  void check_server(const HttpServerConfig& server) {
    if (server.listen.empty()) fault("listen", "an address to listen at is missing");
    for (const std::string& listen : server.listen) check_listen(place_, "listen", listen);
    const Result<TrustedProxies> proxies = TrustedProxies::parse(server.trusted_proxies);
    if (!proxies) fault("trusted_proxies", proxies.error().message);
    for (const CertificateConfig& certificate : server.tls.certificates) {
      if (certificate.certificate_file.empty() || certificate.key_file.empty())
        fault("tls", "a certificate needs both its file and that of its key");
      check_file("tls", certificate.certificate_file);
      check_file("tls", certificate.key_file);
    }
    std::map<std::pair<std::string, std::string>, std::size_t> taken;
    for (std::size_t i = 0; i < server.routes.size(); ++i) {
      place_.route = i;
      check_route(server.routes[i], taken);
      place_.route.reset();
    }
  }

  // The system takes what stands before a NUL for the whole name.
  void check_file(std::string_view field, const std::string& file) {
    if (file.find('\0') != std::string::npos) fault(field, "no file's name holds a NUL");
  }

  void check_listen(ConfigPlace place, std::string_view field, const std::string& listen) {
    place.field = field;
    const Result<ListenAddress> address = parse_listen_address(listen);
    if (!address) return fault(std::move(place), address.error().message);
    if (address->port == 0) return;
    Listened one{.text = listen, .address = *address};
    for (const Listened& other : listened_) {
      if (other.address.port == address->port) check_apart(place, one, other);
    }
    listened_.push_back(std::move(one));
  }

  // A start would be refused the second; a reload would not, as it shares ports for a while.
  void check_apart(const ConfigPlace& place, const Listened& one, const Listened& other) {
    if (one.address.host == other.address.host)
      return fault(place, fmt::format("'{}' is listened at already", one.text));
    for (const std::string& mine : addresses_of(one.address.host)) {
      for (const std::string& theirs : addresses_of(other.address.host)) {
        if (!holds(mine, theirs) && !holds(theirs, mine)) continue;
        const bool every = is_every(mine) || is_every(theirs);
        fault(place,
              every ? fmt::format("'{}' and '{}' have an address in common: '{}' is every address "
                                  "of this machine",
                                  one.text, other.text, is_every(mine) ? one.text : other.text)
                    : fmt::format("'{}' and '{}' have an address in common", one.text, other.text));
      }
    }
  }

  void check_route(const RouteConfig& route,
                   std::map<std::pair<std::string, std::string>, std::size_t>& taken) {
    for (const std::string& pattern : route.paths) {
      const Status valid = check_path_pattern(pattern);
      if (!valid) return fault("match", valid.error().message);
    }
    for (std::size_t i = 0; i < route.middlewares.size(); ++i) {
      place_.middleware = i;
      std::visit([this](const auto& middleware) { check_middleware(middleware); },
                 route.middlewares[i]);
      place_.middleware.reset();
    }
    check_overlap(route, taken);
    if (const auto* streams = std::get_if<DurableStreamsConfig>(&route.terminal))
      check_streams(route, *streams);
    if (const auto* respond = std::get_if<RespondConfig>(&route.terminal)) {
      if (respond->status < 200 || respond->status > 599)
        fault("status_code",
              fmt::format("{} is no status of an answer: 200 to 599", respond->status));
      const bool no_body = respond->status == 204 || respond->status == 304;
      if (no_body && !respond->body.empty())
        fault("body", fmt::format("an answer with status {} has no body", respond->status));
    }
  }

  void check_overlap(const RouteConfig& route,
                     std::map<std::pair<std::string, std::string>, std::size_t>& taken) {
    const std::vector<std::string> any_host = {""};
    const PathPatterns any_path = {std::string(kAnyPath)};
    for (const std::string& host : route.hosts.empty() ? any_host : route.hosts) {
      for (const std::string& path : route.paths.empty() ? any_path : route.paths) {
        if (taken.emplace(std::pair(host, path), *place_.route).second) continue;
        return fault(
            "", host.empty()
                    ? fmt::format("{} is answered by another handler already", path)
                    : fmt::format("{} of {} is answered by another handler already", path, host));
      }
    }
  }

  void check_streams(const RouteConfig& route, const DurableStreamsConfig& streams) {
    if (route.paths.size() > 1)
      fault("", "streams lie under one path: give durable_streams one path, /v1/stream/*");
    if (!route.paths.empty() && prefix_of(route.paths.front()).empty())
      fault("", fmt::format("streams lie under a path: write {}/*", route.paths.front()));
    for (const std::string& origin : streams.cors_origins.value_or(std::vector<std::string>())) {
      const bool web = origin.starts_with("http://") || origin.starts_with("https://");
      const std::size_t slash = origin.find('/', origin.find("://") + 3);
      if (origin != "*" && origin != "null" && (!web || slash != std::string::npos))
        fault("cors_origins",
              fmt::format("'{}' is no origin: write https://example.com, without a path", origin));
      if (origin == "*" && streams.cors_origins->size() > 1)
        fault("cors_origins", "'*' stands alone: it is every origin");
    }
    if (streams.data_dir.value_or("").empty()) return check_memory(streams);
    if (streams.max_memory)
      fault("max_memory", "max_memory is for streams in memory, and these have a data_dir");
    // Without a working directory names are compared as they are.
    std::error_code none;
    std::filesystem::path absolute = std::filesystem::absolute(*streams.data_dir, none);
    if (none) absolute = *streams.data_dir;
    const std::string directory = absolute.lexically_normal().string();
    if (!directories_
             .insert(directory.ends_with('/') ? directory.substr(0, directory.size() - 1)
                                              : directory)
             .second) {
      fault("data_dir", fmt::format("'{}' is the directory of another endpoint already: each has "
                                    "its own",
                                    *streams.data_dir));
    }
  }

  // What only streams on a disk have.
  void check_memory(const DurableStreamsConfig& streams) {
    const auto need = [&](bool set, std::string_view field) {
      if (set) fault(field, fmt::format("{} is for streams on a disk: it needs a data_dir", field));
    };
    need(streams.durability.has_value(), "durability");
    need(streams.journal_size.has_value(), "journal_size");
    need(streams.memtable_size.has_value(), "memtable_size");
    need(streams.settle_interval.has_value(), "settle_interval");
    need(streams.reserve.has_value(), "reserve");
    need(streams.read_cache.has_value(), "read_cache");
    need(streams.scrub_rate.has_value(), "scrub_rate");
    need(streams.max_in_flight.has_value(), "max_in_flight");
  }

  void check_patterns(const PathPatterns& patterns) {
    for (const std::string& pattern : patterns) {
      const Status valid = check_path_pattern(pattern);
      if (!valid) fault("paths", valid.error().message);
    }
  }

  void check_middleware(const AccessLogConfig&) {}
  void check_middleware(const HeaderConfig& header) {
    check_patterns(header.paths);
    for (const HeaderOperation& operation : header.operations) {
      if (!is_token(operation.name))
        fault("", fmt::format("'{}' is no header's name", operation.name));
      else if (is_own_field(operation.name))
        fault("", fmt::format("{} is the server's own, and cannot be changed", operation.name));
      if (!is_field_value(operation.value))
        fault("", fmt::format("the value of {} holds a control character", operation.name));
    }
  }
  void check_middleware(const AuthorizeConfig& authorize) {
    check_patterns(authorize.paths);
    if (authorize.token_file && authorize.token_file->empty())
      fault("tokens", "the name of the file of tokens is empty");
    check_file("tokens", authorize.token_file.value_or(std::string()));
    if (!authorize.token_file && authorize.anonymous.empty() && !authorize.rate_per_address)
      fault("", "this allows nobody anything: name a file of tokens, or what anonymous may do");
  }

  const Config& config_;
  ConfigPlace place_;
  std::vector<Listened> listened_;
  std::set<std::string> directories_;
  std::optional<ConfigFault> fault_;
};

}  // namespace

std::optional<ConfigFault> find_fault(const Config& config) { return Checker(config).run(); }

}  // namespace durable_streams::server
