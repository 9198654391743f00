// What a site says for all its paths, or a route for all of its own, holds wherever it stands in
// its block: it is read first.
#include "server/config/caddyfile/site_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "server/config/caddyfile/access_reader.h"
#include "server/config/caddyfile/global_options.h"
#include "server/config/options.h"
#include "server/config/path_pattern.h"

namespace durable_streams::server {
namespace {

constexpr std::array<std::string_view, 9> kDirectives{
    "authorize", "bind", "durable_streams", "handle", "header", "log", "respond", "route", "tls"};

// What Caddy has and this server does not.
constexpr std::array<std::string_view, 34> kOfCaddy{
    "abort",          "acme_server",   "basic_auth",   "basicauth", "encode",
    "error",          "file_server",   "forward_auth", "fs",        "handle_errors",
    "handle_path",    "import",        "intercept",    "invoke",    "log_append",
    "log_name",       "log_skip",      "skip_log",     "map",       "method",
    "metrics",        "php_fastcgi",   "push",         "redir",     "request_body",
    "request_header", "reverse_proxy", "rewrite",      "root",      "templates",
    "tracing",        "try_files",     "uri",          "vars"};

bool is_middleware(std::string_view name) {
  return name == "log" || name == "header" || name == "authorize";
}

std::optional<int> as_status(std::string_view text) {
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (text.size() != 3 || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return status;
}

HeaderOperation header_operation(std::string_view name, std::string value) {
  HeaderOperation operation{
      .kind = HeaderOperation::Kind::kSet, .name = std::string(name), .value = std::move(value)};
  const auto marked = [&](char mark, HeaderOperation::Kind kind) {
    if (!name.starts_with(mark)) return;
    operation.kind = kind;
    operation.name = std::string(name.substr(1));
  };
  marked('+', HeaderOperation::Kind::kAdd);
  marked('-', HeaderOperation::Kind::kRemove);
  marked('?', HeaderOperation::Kind::kDefault);
  return operation;
}

Result<HeaderOperation> read_header_line(const DirectiveReader& reader, const Word& name,
                                         std::span<const Word> values) {
  constexpr std::string_view kSyntax = "header [+|-|?]NAME [VALUE]";
  if (name.text.starts_with('>'))
    return reader.at(
        name, fmt::format("'>' is not needed: what header says is done at the end; {}", kSyntax));
  if (values.size() > 1)
    return reader.at(values[1],
                     fmt::format("replacing within a header is not supported: {}", kSyntax));
  const bool removes = name.text.starts_with('-');
  if (removes && !values.empty())
    return reader.at(values[0],
                     fmt::format("'{}' removes the header, and takes no value", name.text));
  if (!removes && values.empty())
    return reader.at(name, fmt::format("'{}' needs a value: {}", name.text, kSyntax));
  return header_operation(name.text, removes ? std::string() : values[0].text);
}

}  // namespace

Result<ReadSite> SiteReader::read(const Block& block) {
  site_ = {};
  Scope scope{.pattern = std::string(kAnyPath), .middlewares = {}, .top = true};
  if (Status read = read_block(block, scope); !read) return read.error();
  return std::move(site_);
}

Status SiteReader::read_block(const Block& block, Scope scope) {
  if (Status read = read_middlewares(block, scope); !read) return read;
  if (scope.top) site_.middlewares = scope.middlewares;
  const std::size_t routes_before = site_.routes.size();
  for (const Directive& directive : block.directives) {
    if (is_middleware(directive.name.text)) continue;
    if (Status read = read_directive(directive, scope); !read) return read;
  }
  // A route that only changes headers, say, still answers for its paths: with 404.
  if (!scope.top && site_.routes.size() == routes_before) {
    site_.routes.push_back(
        {.pattern = scope.pattern,
         .middlewares = scope.middlewares,
         .terminal = {},
         .at = block.directives.empty() ? Position{} : block.directives.front().name.at,
         .options = {}});
  }
  return {};
}

Status SiteReader::read_middlewares(const Block& block, Scope& scope) {
  for (const Directive& directive : block.directives) {
    const std::string& name = directive.name.text;
    if (!is_middleware(name)) continue;
    if (Status plain = reader_.refuse_placeholders(directive); !plain) return plain;
    if (name == "log") {
      Result<LogConfig> log = read_log(reader_, directive);
      if (!log) return log.error();
      scope.middlewares.push_back({AccessLogConfig{*log}, directive.name.at});
    } else if (name == "header") {
      Result<HeaderConfig> header = read_header(directive, scope);
      if (!header) return header.error();
      scope.middlewares.push_back({std::move(*header), directive.name.at});
    } else {
      Result<AuthorizeConfig> authorize = read_authorize(directive, scope);
      if (!authorize) return authorize.error();
      scope.middlewares.push_back({std::move(*authorize), directive.name.at});
    }
  }
  return {};
}

Status SiteReader::read_directive(const Directive& directive, const Scope& scope) {
  if (Status plain = reader_.refuse_placeholders(directive); !plain) return plain;
  const std::string& name = directive.name.text;
  if (name == "route" || name == "handle") return read_route(directive, scope);
  if (name == "durable_streams") return read_streams(directive, scope);
  if (name == "respond") return read_respond(directive, scope);
  if (name == "tls" && scope.top) return read_tls(directive);
  if (name == "bind" && scope.top) return read_bind(directive);
  return refuse(directive);
}

Error SiteReader::refuse(const Directive& directive) const {
  const std::string& name = directive.name.text;
  if (name == "tls" || name == "bind")
    return reader_.at(directive.name,
                      fmt::format("{} is said for a whole site, not within a route", name));
  if (name.starts_with('@'))
    return reader_.at(directive.name,
                      "named matchers are not supported: write a path, route /path/* { ... }");
  if (name.starts_with('(')) return reader_.at(directive.name, "snippets are not supported");
  if (std::find(kOfCaddy.begin(), kOfCaddy.end(), name) != kOfCaddy.end())
    return reader_.at(directive.name,
                      fmt::format("{} is Caddy's, and this server does not have it", name));
  return reader_.unknown(directive.name, "directive", kDirectives);
}

Result<std::string> SiteReader::take_pattern(std::vector<Word>& arguments,
                                             const Scope& scope) const {
  if (arguments.empty() || arguments.front().quoted) return scope.pattern;
  const Word word = arguments.front();
  if (word.text.starts_with('@'))
    return reader_.at(word, "named matchers are not supported: write a path, /path/*");
  if (!word.text.starts_with('/') && word.text != kAnyPath) return scope.pattern;
  arguments.erase(arguments.begin());
  if (const Status valid = check_path_pattern(word.text); !valid)
    return reader_.at(word, valid.error().message);
  // Two names for all paths would hide that two directives answer for the same.
  const std::string pattern(word.text == "/*" ? kAnyPath : std::string_view(word.text));
  if (covers(scope.pattern, pattern)) return pattern;
  if (covers(pattern, scope.pattern)) return scope.pattern;
  return reader_.at(word, fmt::format("'{}' does not lie within '{}', which stands around it",
                                      word.text, scope.pattern));
}

Status SiteReader::read_route(const Directive& directive, const Scope& scope) {
  std::vector<Word> arguments = directive.arguments;
  Result<std::string> pattern = take_pattern(arguments, scope);
  if (!pattern) return pattern.error();
  const std::string& name = directive.name.text;
  if (!arguments.empty())
    return reader_.at(arguments.front(), fmt::format("'{}' is no path: {} [PATH] {{ ... }}",
                                                     arguments.front().text, name));
  if (!directive.block)
    return reader_.at(directive.name,
                      fmt::format("{} needs a block: {} [PATH] {{ ... }}", name, name));
  return read_block(
      *directive.block,
      {.pattern = std::move(*pattern), .middlewares = scope.middlewares, .top = false});
}

Status SiteReader::read_streams(const Directive& directive, const Scope& scope) {
  std::vector<Word> arguments = directive.arguments;
  Result<std::string> pattern = take_pattern(arguments, scope);
  if (!pattern) return pattern.error();
  if (!arguments.empty())
    return reader_.at(
        arguments.front(),
        fmt::format("'{}' is no path: durable_streams [PATH] {{ ... }}", arguments.front().text));
  ReadRoute route{.pattern = std::move(*pattern),
                  .middlewares = scope.middlewares,
                  .terminal = {},
                  .at = directive.name.at,
                  .options = {}};
  DurableStreamsConfig streams;
  const Block none;
  for (const Directive& line : (directive.block ? *directive.block : none).directives) {
    const auto options = durable_streams_options();
    const auto option = std::find_if(options.begin(), options.end(),
                                     [&](const auto& each) { return each.name == line.name.text; });
    if (option == options.end()) {
      std::vector<std::string_view> names;
      for (const auto& each : options) names.push_back(each.name);
      return reader_.unknown(line.name, "option of durable_streams", names);
    }
    if (line.block) return reader_.at(line.name, fmt::format("{} takes no block", line.name.text));
    if (!route.options.emplace(line.name.text, line.name.at).second)
      return reader_.at(line.name, fmt::format("{} was said already", line.name.text));
    const std::vector<std::string> words = texts_of(line.arguments);
    if (const Status set = set_option(streams, *option, words); !set)
      return reader_.at(line.arguments.empty() ? line.name : line.arguments.front(),
                        set.error().message);
  }
  route.terminal = std::move(streams);
  site_.routes.push_back(std::move(route));
  return {};
}

Status SiteReader::read_respond(const Directive& directive, const Scope& scope) {
  constexpr std::string_view kSyntax = "respond [PATH] [BODY] [STATUS]";
  std::vector<Word> arguments = directive.arguments;
  Result<std::string> pattern = take_pattern(arguments, scope);
  if (!pattern) return pattern.error();
  RespondConfig respond;
  bool has_body = false;
  if (directive.block) {
    for (const Directive& line : directive.block->directives) {
      constexpr std::array<std::string_view, 1> kNames{"body"};
      if (line.name.text != "body") return reader_.unknown(line.name, "option of respond", kNames);
      if (has_body) return reader_.at(line.name, "body was said already");
      if (Status right = reader_.expect(line, 1, 1, "body TEXT"); !right) return right;
      respond.body = line.arguments.front().text;
      has_body = true;
    }
  }
  if (!arguments.empty() && (has_body || arguments.size() > 1 || as_status(arguments[0].text))) {
    const Word& word = arguments.back();
    const std::optional<int> status = as_status(word.text);
    if (!status) return reader_.at(word, fmt::format("'{}' is no status: {}", word.text, kSyntax));
    respond.status = *status;
    arguments.pop_back();
  }
  if (!arguments.empty() && !has_body) {
    respond.body = arguments.front().text;
    arguments.erase(arguments.begin());
    has_body = true;
  }
  if (!arguments.empty())
    return reader_.at(arguments.front(), fmt::format("'{}' is one value too many: {}",
                                                     arguments.front().text, kSyntax));
  site_.routes.push_back({.pattern = std::move(*pattern),
                          .middlewares = scope.middlewares,
                          .terminal = std::move(respond),
                          .at = directive.name.at,
                          .options = {}});
  return {};
}

Status SiteReader::read_tls(const Directive& directive) {
  constexpr std::string_view kSyntax = "tls CERTIFICATE KEY, or tls internal";
  if (Status right = reader_.expect(directive, 1, 2, kSyntax); !right) return right;
  site_.tls = directive.name;
  if (directive.arguments.size() == 2) {
    site_.certificates.push_back(
        {.certificate_file = directive.arguments[0].text, .key_file = directive.arguments[1].text});
    return {};
  }
  const Word& word = directive.arguments.front();
  if (word.text == "internal") {
    site_.tls_internal = true;
    return {};
  }
  if (word.text.find('@') != std::string::npos)
    return reader_.at(word,
                      fmt::format("certificates are not obtained automatically: {}", kSyntax));
  return reader_.at(word, fmt::format("'{}' alone is no certificate: {}", word.text, kSyntax));
}

Status SiteReader::read_bind(const Directive& directive) {
  if (Status right = reader_.expect(directive, 1, SIZE_MAX, "bind HOST..."); !right) return right;
  site_.bind.insert(site_.bind.end(), directive.arguments.begin(), directive.arguments.end());
  return {};
}

Result<HeaderConfig> SiteReader::read_header(const Directive& directive, const Scope& scope) const {
  std::vector<Word> arguments = directive.arguments;
  Result<std::string> pattern = take_pattern(arguments, scope);
  if (!pattern) return pattern.error();
  HeaderConfig header;
  if (*pattern != scope.pattern) header.paths.push_back(*pattern);
  const auto add = [&](const Word& name, std::span<const Word> values) -> Status {
    Result<HeaderOperation> operation = read_header_line(reader_, name, values);
    if (!operation) return operation.error();
    header.operations.push_back(std::move(*operation));
    return {};
  };
  if (!arguments.empty()) {
    if (Status added = add(arguments.front(), std::span(arguments).subspan(1)); !added)
      return added.error();
  }
  if (directive.block) {
    for (const Directive& line : directive.block->directives) {
      if (line.block) return reader_.at(line.name, "a header takes no block");
      if (Status added = add(line.name, line.arguments); !added) return added.error();
    }
  }
  if (header.operations.empty())
    return reader_.at(directive.name, "header needs a header: header [PATH] [+|-|?]NAME [VALUE]");
  return header;
}

Result<AuthorizeConfig> SiteReader::read_authorize(const Directive& directive,
                                                   const Scope& scope) const {
  std::vector<Word> arguments = directive.arguments;
  Result<std::string> pattern = take_pattern(arguments, scope);
  if (!pattern) return pattern.error();
  if (!arguments.empty())
    return reader_.at(arguments.front(), fmt::format("'{}' is no path: authorize [PATH] {{ ... }}",
                                                     arguments.front().text));
  if (!directive.block)
    return reader_.at(directive.name, "authorize needs a block: authorize { tokens FILE }");
  Result<AuthorizeConfig> authorize = read_authorize_block(reader_, *directive.block);
  if (authorize.ok() && *pattern != scope.pattern) authorize->paths.push_back(*pattern);
  return authorize;
}

}  // namespace durable_streams::server
