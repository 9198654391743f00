// What is wrong with a configuration as a whole, whichever language it was written in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "server/config/config.h"

namespace durable_streams::server {

// The part of a configuration that a fault is about. Without a server it is `field` of the whole.
struct ConfigPlace {
  std::optional<std::size_t> server;
  std::optional<std::size_t> route;
  std::optional<std::size_t> middleware;
  std::string field;  // by its name in JSON, `data_dir`; empty: the part itself
};

struct ConfigFault {
  ConfigPlace place;
  std::string message;
};

// The first fault; none: the configuration can be run, as far as it tells by itself.
std::optional<ConfigFault> find_fault(const Config& config);

}  // namespace durable_streams::server
