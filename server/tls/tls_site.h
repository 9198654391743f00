// The certificates of a listener, as they are now: files change, and what was issued expires.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/result.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/access/file_state.h"
#include "server/config/config.h"
#include "server/log/logger.h"
#include "server/tls/local_authority.h"
#include "server/tls/ticket_keys.h"
#include "server/tls/tls_context.h"

namespace durable_streams::server {

// Threads: context() and expiry() any; refresh() one at a time.
class TlsSite {
 public:
  struct Place {
    TicketKeys& tickets;              // outlives the site
    const Clock& clock;               // the same
    std::string authority_directory;  // of `tls internal`
    Logger log;
  };

  // Errors: as load_certificate() and LocalAuthority::open().
  static Result<std::shared_ptr<TlsSite>> open(const TlsConfig& config, Place place);
  TlsSite(const TlsSite&) = delete;
  TlsSite& operator=(const TlsSite&) = delete;

  // For the next connection.
  std::shared_ptr<const TlsContext> context() const;

  // When the first of its certificates expires.
  WallTime expiry() const;

  const std::string& authority_directory() const { return place_.authority_directory; }

  // Takes certificates over whose files have changed, and issues anew what expires soon. Files that
  // cannot be used leave what was read from them before, hold up no others, and are tried again;
  // the operator is told. Waits for disks.
  void refresh();

 private:
  struct Files {
    CertificateConfig config;
    std::optional<FileState> certificate;
    std::optional<FileState> key;
    bool changed = false;  // since they were taken over
  };

  TlsSite(TlsConfig config, Place place) : config_(std::move(config)), place_(std::move(place)) {}

  Status load();
  Result<Certificate> read(const Files& files) const;
  Result<Certificate> take(std::size_t index);
  bool files_changed();
  bool issued_expires_soon() const;
  void warn_of_expiry(const Certificate& certificate, const std::string& file) const;
  void tell_how_to_trust() const;

  const TlsConfig config_;
  const Place place_;
  std::optional<LocalAuthority> authority_;
  std::vector<Files> files_;
  WallTime issued_until_ = kNever;
  bool refused_ = false;      // something could not be taken over
  WallTime refused_at_ = {};  // when that was
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> context_;  // guarded by mutex_
};

// Whether what `tls` names can be used. Makes nothing.
Status check_certificates(const TlsConfig& config);

}  // namespace durable_streams::server
