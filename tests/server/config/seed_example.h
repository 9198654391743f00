// The examples that users of the Caddy plugin have, as they stand in its documentation.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/catch.h"

namespace durable_streams::server {

inline std::string seed_example(std::string_view name) {
  std::ifstream file(
      std::string(DURABLE_STREAMS_SOURCE_DIR "/tests/server/config/seed/").append(name));
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace durable_streams::server
