// The directives of one site.
#pragma once

#include <durable_streams/result.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/caddyfile/directive_reader.h"
#include "server/config/config.h"

namespace durable_streams::server {

struct ReadMiddleware {
  MiddlewareConfig config;
  Position at;
};

// A route with where its parts stand.
struct ReadRoute {
  std::string pattern;  // `*`: any path
  std::vector<ReadMiddleware> middlewares;
  TerminalConfig terminal;
  Position at;                              // of the terminal
  std::map<std::string, Position> options;  // of the terminal, by name
};

struct ReadSite {
  std::vector<ReadRoute> routes;
  std::vector<ReadMiddleware> middlewares;  // of the whole site
  std::vector<Word> bind;                   // hosts to listen at
  std::vector<CertificateConfig> certificates;
  bool tls_internal = false;
  std::optional<Word> tls;  // the directive, if there is one
};

// Borrows the reader. Threads: one at a time.
class SiteReader {
 public:
  explicit SiteReader(const DirectiveReader& reader) : reader_(reader) {}

  Result<ReadSite> read(const Block& block);

 private:
  // Where directives stand: within a path, with what was said for all of it.
  struct Scope {
    std::string pattern;
    std::vector<ReadMiddleware> middlewares;
    bool top = false;  // of the site
  };

  Status read_block(const Block& block, Scope scope);
  Status read_directive(const Directive& directive, const Scope& scope);
  Status read_middlewares(const Block& block, Scope& scope);
  Status read_route(const Directive& directive, const Scope& scope);
  Status read_streams(const Directive& directive, const Scope& scope);
  Status read_respond(const Directive& directive, const Scope& scope);
  Status read_tls(const Directive& directive);
  Status read_bind(const Directive& directive);
  Result<HeaderConfig> read_header(const Directive& directive, const Scope& scope) const;
  Result<AuthorizeConfig> read_authorize(const Directive& directive, const Scope& scope) const;

  // Takes a matcher off the front of `arguments`, if there is one, and returns the pattern that it
  // makes within the scope.
  Result<std::string> take_pattern(std::vector<Word>& arguments, const Scope& scope) const;
  Error refuse(const Directive& directive) const;

  const DirectiveReader& reader_;
  ReadSite site_;
};

}  // namespace durable_streams::server
