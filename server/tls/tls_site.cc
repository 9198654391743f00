// Certificate and key are two files, and whoever changes them changes one after the other: between
// the two they do not fit, and the next look finds them in order.
#include "server/tls/tls_site.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace durable_streams::server {
namespace {

constexpr std::chrono::hours kWarnBefore{24 * 7};
constexpr std::chrono::minutes kTryAgain{10};

std::string date_of(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace

Result<std::shared_ptr<TlsSite>> TlsSite::open(const TlsConfig& config, Place place) {
  std::shared_ptr<TlsSite> site(new TlsSite(config, std::move(place)));
  for (const CertificateConfig& files : config.certificates)
    site->files_.push_back({.config = files, .certificate = {}, .key = {}});
  if (!config.internal.empty()) {
    Result<LocalAuthority> authority =
        LocalAuthority::open(site->place_.authority_directory, site->place_.clock.now());
    if (!authority) return authority.error();
    site->authority_ = std::move(*authority);
    site->tell_how_to_trust();
  }
  site->files_changed();
  if (Status loaded = site->load(); !loaded) return loaded.error();
  return site;
}

std::shared_ptr<const TlsContext> TlsSite::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

WallTime TlsSite::expiry() const {
  const std::shared_ptr<const TlsContext> now = context();
  WallTime first = kNever;
  for (const Certificate& certificate : now->certificates())
    first = std::min(first, certificate.not_after());
  return first;
}

// Reads and issues all, for they are one context.
Status TlsSite::load() {
  refused_ = false;
  std::vector<Certificate> certificates;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    Result<Certificate> certificate = take(i);
    if (!certificate) return certificate.error();
    certificates.push_back(std::move(*certificate));
  }
  WallTime issued_until = kNever;
  if (authority_) {
    Result<Certificate> issued = authority_->issue(config_.internal, place_.clock.now());
    if (!issued) return issued.error();
    issued_until = issued->not_after();
    certificates.push_back(std::move(*issued));
  }
  Result<std::unique_ptr<const TlsContext>> context =
      TlsContext::make(std::move(certificates), place_.tickets);
  if (!context) return context.error();
  issued_until_ = issued_until;
  const std::lock_guard lock(mutex_);
  context_ = std::move(*context);
  return {};
}

// What the files hold, if it can be used; else what they held before, if there is any.
Result<Certificate> TlsSite::take(std::size_t index) {
  Files& files = files_[index];
  Result<Certificate> certificate = read(files);
  const bool fresh = certificate.ok() && std::exchange(files.changed, false);
  if (context_ == nullptr) return certificate;
  if (!certificate) {
    refused_ = true;
    place_.log.error("certificates cannot be taken over; those before stay in use",
                     {{"reason", certificate.error().message}});
    return context_->certificates()[index].share();
  }
  if (fresh)
    place_.log.info("certificates that have changed are in use",
                    {{"certificate", files.config.certificate_file}});
  return certificate;
}

Result<Certificate> TlsSite::read(const Files& files) const {
  Result<Certificate> certificate =
      load_certificate(files.config.certificate_file, files.config.key_file);
  if (!certificate) return certificate;
  std::vector<Certificate> alone;
  alone.push_back(certificate->share());
  if (const auto usable = TlsContext::make(std::move(alone), place_.tickets); !usable)
    return usable.error();
  warn_of_expiry(*certificate, files.config.certificate_file);
  if (files.key && (files.key->mode & S_IRWXO) != 0)
    place_.log.warn("everybody on this machine can read a private key",
                    {{"key", files.config.key_file}});
  return certificate;
}

// Notes what is there now; true: it is not what was there.
bool TlsSite::files_changed() {
  bool changed = false;
  for (Files& files : files_) {
    const std::optional<FileState> certificate = file_state(files.config.certificate_file);
    const std::optional<FileState> key = file_state(files.config.key_file);
    if (certificate == files.certificate && key == files.key) continue;
    files.certificate = certificate;
    files.key = key;
    files.changed = true;
    changed = true;
  }
  return changed;
}

bool TlsSite::issued_expires_soon() const {
  return authority_ && issued_until_ - place_.clock.now() < LocalAuthority::kLeafRenewal;
}

void TlsSite::refresh() {
  const bool changed = files_changed();
  const bool rests = refused_ && place_.clock.now() - refused_at_ < kTryAgain;
  if (!changed && (rests || (!refused_ && !issued_expires_soon()))) return;
  if (const Status loaded = load(); !loaded) {
    refused_ = true;
    place_.log.error("certificates cannot be taken over; those before stay in use",
                     {{"reason", loaded.error().message}});
  }
  if (refused_) refused_at_ = place_.clock.now();
}

void TlsSite::warn_of_expiry(const Certificate& certificate, const std::string& file) const {
  const WallTime now = place_.clock.now();
  if (now < certificate.not_before()) {
    place_.log.warn("a certificate is not valid yet: clients will refuse it",
                    {{"certificate", file}, {"from", date_of(certificate.not_before())}});
  } else if (certificate.not_after() <= now) {
    place_.log.warn("a certificate has expired: clients will refuse it",
                    {{"certificate", file}, {"expired", date_of(certificate.not_after())}});
  } else if (certificate.not_after() - now < kWarnBefore) {
    place_.log.warn("a certificate expires soon",
                    {{"certificate", file}, {"expires", date_of(certificate.not_after())}});
  }
}

void TlsSite::tell_how_to_trust() const {
  const std::string& root = authority_->root_file();
  place_.log.info(
      "clients have to trust the local authority, once",
      {{"root", root},
       {"curl", fmt::format("curl --cacert {}", root)},
       {"debian", fmt::format("cp {} /usr/local/share/ca-certificates/durable-streams.crt && "
                              "update-ca-certificates",
                              root)}});
}

Status check_certificates(const TlsConfig& config) {
  std::vector<Certificate> certificates;
  for (const CertificateConfig& files : config.certificates) {
    Result<Certificate> certificate = load_certificate(files.certificate_file, files.key_file);
    if (!certificate) return certificate.error();
    certificates.push_back(std::move(*certificate));
  }
  if (certificates.empty()) return {};
  TicketKeys tickets;
  const auto context = TlsContext::make(std::move(certificates), tickets);
  return context.ok() ? Status() : Status(context.error());
}

}  // namespace durable_streams::server
