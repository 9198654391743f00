// What an operator can ask of a running server, whichever way the question comes.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <optional>
#include <string>

#include "server/admin/streams_page.h"
#include "server/config/load.h"

namespace durable_streams::server {

// Threads: loop only, that of the admin endpoints; completions come on it, in a later turn.
class AdminActions {
 public:
  virtual ~AdminActions() = default;

  // What Prometheus reads.
  virtual std::string metrics() = 0;

  // Whether requests are served: stores can be written to, and it is not being stopped. An error
  // says why not.
  virtual Status ready() = 0;

  // The configuration in force, as JSON for people.
  virtual std::string config() = 0;

  // Serves what the configuration says from now on, or, if that fails, what was served before.
  virtual void load(ConfigSource source, std::optional<ConfigLanguage> language,
                    Function<void(Status)> done) = 0;

  // Drains, in a later turn.
  virtual void stop() = 0;

  // A page of the streams that there are, as JSON (write_streams_page()).
  virtual void list(StreamsQuery query, Function<void(Result<std::string>)> done) = 0;

  // Makes a backup (FileStore::backup()). `store` is a directory that streams are kept in; empty:
  // the only one.
  virtual void backup(std::string store, std::string to, Function<void(Status)> done) = 0;
};

}  // namespace durable_streams::server
