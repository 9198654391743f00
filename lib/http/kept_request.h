// What is kept of a request's head until its body has come, for a head's memory lives for one call.
#pragma once

#include <durable_streams/streams.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "http/gathered_body.h"

namespace durable_streams::http {

// Used again and again, so that keeping a request allocates nothing: a request sets what it reads,
// and finds the rest as the last one left it. Threads: one at a time.
struct KeptRequest {
  std::string_view path;
  AppendOptions append;            // POST
  CreateOptions create;            // PUT
  std::string_view location;       // PUT
  std::string_view if_none_match;  // GET
  GatheredBody body;

  // Copies what the given views show, and lets them show the copy. Called once a request.
  template <class... Views>
  void own(Views*... views) {
    text_.clear();
    text_.reserve((views->size() + ... + 0));
    (own_one(*views), ...);
  }

 private:
  void own_one(std::string_view& view) {
    const std::size_t begin = text_.size();
    text_.append(view);
    view = std::string_view(text_.data() + begin, view.size());
  }

  std::string text_;
};

}  // namespace durable_streams::http
