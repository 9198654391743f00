// What the readers of all directives share: how they complain, and how they look up a name.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/caddyfile/tree.h"
#include "server/config/source.h"

namespace durable_streams::server {

// Borrows the source. Threads: one at a time.
class DirectiveReader {
 public:
  explicit DirectiveReader(const ConfigSource& source) : source_(source) {}

  Error at(const Word& word, std::string_view message) const {
    return error_at(source_, word.at, message);
  }
  Error at(Position position, std::string_view message) const {
    return error_at(source_, position, message);
  }

  // `unknown WHAT 'NAME'; did you mean 'NEAREST'?`
  Error unknown(const Word& word, std::string_view what,
                std::span<const std::string_view> names) const;

  // Exactly so many arguments and no block; `syntax` is what would have been right.
  Status expect(const Directive& directive, std::size_t least, std::size_t most,
                std::string_view syntax) const;

  // No argument holds a placeholder of Caddy's, `{host}`: there are none here.
  Status refuse_placeholders(const Directive& directive) const;

 private:
  const ConfigSource& source_;
};

std::vector<std::string> texts_of(std::span<const Word> words);

}  // namespace durable_streams::server
