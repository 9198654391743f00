// A certificate authority of this server alone, for names that no public authority knows.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/result.h>

#include <chrono>
#include <span>
#include <string>

#include "server/tls/certificate.h"

namespace durable_streams::server {

// Its root stands in a directory, `root.crt` and `root.key`; what it issues is only in memory.
// Threads: any.
class LocalAuthority {
 public:
  static constexpr std::chrono::hours kRootLifetime{24 * 3650};
  static constexpr std::chrono::hours kLeafLifetime{24 * 30};
  // A leaf is to be issued anew when less than this is left of it.
  static constexpr std::chrono::hours kLeafRenewal{24 * 10};

  // Takes the root that is there, or makes directory (0700) and root. An error names the file.
  static Result<LocalAuthority> open(const std::string& directory, WallTime now);

  // For hosts and addresses, at least one; from a day before now on, for clocks that differ.
  Result<Certificate> issue(std::span<const std::string> names, WallTime now) const;

  // What clients are to trust.
  const std::string& root_file() const { return root_file_; }
  WallTime not_after() const { return root_.not_after(); }

 private:
  LocalAuthority() = default;

  Status make_root(const std::string& directory, WallTime now);

  std::string root_file_;
  Certificate root_;
};

// Where the authority of a server is kept that has no data directory: below XDG_DATA_HOME, or the
// user's home.
Result<std::string> user_authority_directory();

}  // namespace durable_streams::server
