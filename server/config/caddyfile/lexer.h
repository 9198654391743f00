// A Caddyfile as words, with where each stands.
#pragma once

#include <durable_streams/result.h>

#include <string>
#include <vector>

#include "server/config/source.h"

namespace durable_streams::server {

struct Word {
  std::string text;
  Position at;
  bool quoted = false;  // in quotes or backquotes: `{` and `}` mean themselves
  bool first = false;   // of its line, where a line goes on behind a backslash
};

// Quotes `"..."`, in which `\"` is a quote; backquotes, in which nothing is special; comments from
// a `#` that begins a word; a backslash at a line's end; `{$NAME}` and `{$NAME:default}`, whose
// values are read as if they stood there. All of it is UTF-8.
Result<std::vector<Word>> read_words(const ConfigSource& source, Environment& environment);

}  // namespace durable_streams::server
