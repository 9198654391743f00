// Sites that listen at the same addresses become one server; their hosts tell them apart.
#include "server/config/caddyfile/adapter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "server/config/caddyfile/directive_reader.h"
#include "server/config/caddyfile/global_options.h"
#include "server/config/caddyfile/site_address.h"
#include "server/config/caddyfile/site_reader.h"
#include "server/config/check.h"
#include "server/config/path_pattern.h"
#include "server/net/listen_address.h"

namespace durable_streams::server {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

// Where the parts of a server stand, in the order in which it has them.
struct ServerOrigin {
  Position address;
  struct Route {
    Position at;
    std::map<std::string, Position> options;
    std::vector<Position> middlewares;
  };
  std::vector<Route> routes;
};

// A site with what its addresses come to.
struct PlacedSite {
  ReadSite site;
  std::vector<std::string> listen;  // in order, each once
  std::vector<std::string> hosts;   // none: any
  std::vector<std::string> names;   // for certificates of the local authority
  Position at;
  bool secure = false;
};

std::string quoted_host(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

void add_once(std::vector<std::string>& to, std::string text) {
  if (std::find(to.begin(), to.end(), text) == to.end()) to.push_back(std::move(text));
}

class Adapter {
 public:
  explicit Adapter(const ConfigSource& source) : source_(source), reader_(source) {}

  Result<Config> run(const CaddyfileTree& tree) {
    if (tree.global) {
      if (Status read = read_global_options(reader_, *tree.global, config_, defaults_); !read)
        return read.error();
    }
    std::vector<PlacedSite> sites;
    for (const SiteBlock& block : tree.sites) {
      Result<PlacedSite> site = place(block);
      if (!site) return site.error();
      sites.push_back(std::move(*site));
    }
    if (sites.empty() && !tree.global)
      return error_at(source_, {}, "nothing is served: a site is missing, such as :4437 { ... }");
    if (Status grouped = group(sites); !grouped) return grouped.error();
    if (const std::optional<ConfigFault> fault = find_fault(config_))
      return error_at(source_, position_of(fault->place), fault->message);
    return std::move(config_);
  }

 private:
  Result<PlacedSite> place(const SiteBlock& block) {
    SiteReader site_reader(reader_);
    Result<ReadSite> read = site_reader.read(block.block);
    if (!read) return read.error();
    PlacedSite site{.site = std::move(*read),
                    .listen = {},
                    .hosts = {},
                    .names = {},
                    .at = block.addresses.front().at,
                    .secure = false};
    site.secure = site.site.tls.has_value();
    bool any_host = false;
    for (const Word& word : block.addresses) {
      if (word.text.starts_with('(')) return reader_.at(word, "snippets are not supported");
      if (word.text == "import")
        return reader_.at(word, "import is Caddy's, and this server does not have it");
      const Result<SiteAddress> address = parse_site_address(word.text);
      if (!address) return reader_.at(word, address.error().message);
      if (Status fits = check_scheme(word, *address, site.secure); !fits) return fits.error();
      add_address(*address, site);
      any_host = any_host || address->is_local();
    }
    if (any_host) site.hosts.clear();
    return site;
  }

  Status check_scheme(const Word& word, const SiteAddress& address, bool secure) const {
    using Scheme = SiteAddress::Scheme;
    if (address.scheme == Scheme::kHttp && secure)
      return reader_.at(word, fmt::format("'{}' is plain HTTP, and its site says tls", word.text));
    if (secure || address.scheme == Scheme::kHttp || address.port == kHttpPort) {
      const bool placed = address.port || address.scheme != Scheme::kNone || !address.is_local();
      if (placed || !address.is_local()) return {};
      return needs_port(word, address);
    }
    const std::string host = quoted_host(address.host);
    if (!address.is_local()) {
      return reader_.at(
          word, fmt::format("certificates are not obtained automatically: give '{0}' one by "
                            "'tls CERTIFICATE KEY' or 'tls internal' within the site, or write "
                            "'http://{0}{1}' to serve it without encryption",
                            host, address.port ? fmt::format(":{}", *address.port) : ""));
    }
    if (address.scheme == Scheme::kHttps || address.port == kHttpsPort)
      return reader_.at(word, fmt::format("'{}' is HTTPS: say 'tls CERTIFICATE KEY' or 'tls "
                                          "internal' within the site",
                                          word.text));
    if (!address.port) return needs_port(word, address);
    return {};
  }

  Status needs_port(const Word& word, const SiteAddress& address) const {
    return reader_.at(word, fmt::format("'{0}' needs a port: write {1}:{2}", word.text,
                                        quoted_host(address.host), kDefaultPort));
  }

  static void add_address(const SiteAddress& address, PlacedSite& site) {
    const std::uint16_t port = address.port.value_or(site.secure ? kHttpsPort : kHttpPort);
    if (site.site.bind.empty()) {
      // A name that others may have, too, says whom requests are for; an address of this machine
      // says where they come in.
      const std::string host = address.is_local() ? quoted_host(address.host) : std::string();
      add_once(site.listen, fmt::format("{}:{}", host, port));
    }
    for (const Word& host : site.site.bind)
      add_once(site.listen, fmt::format("{}:{}", quoted_host(host.text), port));
    if (!address.is_local()) add_once(site.hosts, address.host);
    if (!address.host.empty()) add_once(site.names, address.host);
    if (address.is_local() && !address.is_ip()) {
      for (const char* const name : {"localhost", "127.0.0.1", "::1"}) add_once(site.names, name);
    }
  }

  Status group(const std::vector<PlacedSite>& sites) {
    std::map<std::vector<std::string>, std::vector<const PlacedSite*>> groups;
    std::vector<std::vector<std::string>> order;
    std::map<std::string, std::vector<std::string>> group_of;
    for (const PlacedSite& site : sites) {
      for (const std::string& listen : site.listen) {
        const auto [known, fresh] = group_of.emplace(listen, site.listen);
        if (!fresh && known->second != site.listen)
          return error_at(source_, site.at,
                          fmt::format("'{}' is listened at by another site, which has other "
                                      "addresses besides: give both sites the same ports",
                                      listen));
      }
      std::vector<const PlacedSite*>& group = groups[site.listen];
      if (group.empty()) order.push_back(site.listen);
      if (!group.empty() && group.front()->secure != site.secure)
        return error_at(source_, site.at,
                        fmt::format("'{}' is TLS for one site and plain HTTP for another",
                                    site.listen.front()));
      group.push_back(&site);
    }
    for (const std::vector<std::string>& listen : order) add_server(listen, groups[listen]);
    return {};
  }

  void add_server(const std::vector<std::string>& listen,
                  const std::vector<const PlacedSite*>& sites) {
    HttpServerConfig server{.name = fmt::format("srv{}", config_.servers.size()),
                            .listen = listen,
                            .tls = {},
                            .trusted_proxies = defaults_.trusted_proxies,
                            .limits = defaults_.limits,
                            .routes = {}};
    ServerOrigin origin{.address = sites.front()->at, .routes = {}};
    for (const PlacedSite* site : sites) {
      for (const CertificateConfig& certificate : site->site.certificates) {
        if (std::find(server.tls.certificates.begin(), server.tls.certificates.end(),
                      certificate) == server.tls.certificates.end())
          server.tls.certificates.push_back(certificate);
      }
      if (site->site.tls_internal) {
        for (const std::string& name : site->names) add_once(server.tls.internal, name);
      }
      for (const ReadRoute& route : site->site.routes) add_route(*site, route, server, origin);
      if (wants_rest(*site, sites.size())) {
        add_route(*site,
                  {.pattern = std::string(kAnyPath),
                   .middlewares = site->site.middlewares,
                   .terminal = {},
                   .at = site->at,
                   .options = {}},
                  server, origin);
      }
    }
    config_.servers.push_back(std::move(server));
    origins_.push_back(std::move(origin));
  }

  // Whether the site must answer by itself for what none of its routes does: else a site for any
  // host would, or nothing that holds for all of this one.
  static bool wants_rest(const PlacedSite& site, std::size_t sites) {
    const bool answers_all =
        std::any_of(site.site.routes.begin(), site.site.routes.end(),
                    [](const ReadRoute& route) { return route.pattern == kAnyPath; });
    if (answers_all) return false;
    return !site.site.middlewares.empty() || (!site.hosts.empty() && sites > 1);
  }

  static void add_route(const PlacedSite& site, const ReadRoute& route, HttpServerConfig& server,
                        ServerOrigin& origin) {
    RouteConfig config{
        .hosts = site.hosts, .paths = {}, .middlewares = {}, .terminal = route.terminal};
    if (route.pattern != kAnyPath) config.paths.push_back(route.pattern);
    ServerOrigin::Route from{.at = route.at, .options = route.options, .middlewares = {}};
    for (const ReadMiddleware& middleware : route.middlewares) {
      config.middlewares.push_back(middleware.config);
      from.middlewares.push_back(middleware.at);
    }
    server.routes.push_back(std::move(config));
    origin.routes.push_back(std::move(from));
  }

  Position position_of(const ConfigPlace& place) const {
    if (!place.server || *place.server >= origins_.size()) return {};
    const ServerOrigin& server = origins_[*place.server];
    if (!place.route) return server.address;
    const ServerOrigin::Route& route = server.routes[*place.route];
    if (place.middleware) return route.middlewares[*place.middleware];
    const auto option = route.options.find(place.field);
    return option == route.options.end() ? route.at : option->second;
  }

  const ConfigSource& source_;
  const DirectiveReader reader_;
  Config config_;
  SiteDefaults defaults_;
  std::vector<ServerOrigin> origins_;
};

}  // namespace

Result<Config> parse_caddyfile(const ConfigSource& source, Environment& environment) {
  const Result<CaddyfileTree> tree = parse_caddyfile_tree(source, environment);
  if (!tree) return tree.error();
  return Adapter(source).run(*tree);
}

}  // namespace durable_streams::server
