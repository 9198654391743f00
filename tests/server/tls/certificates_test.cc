// Certificates from files and from the local authority, and what becomes of them in time.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "server/tls/tls_site.h"
#include "tests/server/log/captured_log.h"
#include "tests/server/tls/test_certificates.h"
#include "tests/server/tls/tls_client.h"

namespace durable_streams::server {
namespace {

std::string common_name(const X509* certificate) {
  std::array<char, 128> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            name.size());
  return name.data();
}

std::string first_name(const TlsSite& site) {
  return common_name(site.context()->certificates().front().leaf.get());
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

// A site's surroundings.
struct Place {
  TlsSite::Place place() {
    return {.tickets = tickets,
            .clock = log.clock,
            .authority_directory = files.file("authority"),
            .log = log.logger()};
  }
  bool said(std::string_view text) const {
    return std::any_of(log.lines.begin(), log.lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  CapturedLog log;
  TestCertificates files{log.clock.now()};
  TicketKeys tickets;
};

TEST_CASE("files that are no certificate and key are told by name", "[server][tls]") {
  const TestCertificates files;
  const CertificateConfig good = files.write("good");
  const CertificateConfig other = files.write("other");
  files.write_text("empty", "");
  files.write_text("text", "no PEM at all\n");
  files.write_text("damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  files.write_text("locked",
                   "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                   "-----END ENCRYPTED PRIVATE KEY-----\n");
  const auto why = [&](const std::string& certificate, const std::string& key) {
    const auto loaded = load_certificate(certificate, key);
    REQUIRE_FALSE(loaded.ok());
    return loaded.error().message;
  };
  const std::string none = files.file("none");
  CHECK(why(none, good.key_file) == "tls: " + none + ": No such file or directory");
  CHECK(why(good.certificate_file, none) == "tls: " + none + ": No such file or directory");
  for (const char* name : {"empty", "text"}) {
    const std::string file = files.file(name);
    CHECK(why(file, good.key_file) == "tls: " + file + ": holds no certificate in PEM form");
    CHECK(why(good.certificate_file, file) ==
          "tls: " + file + ": holds no private key in PEM form");
  }
  CHECK(why(files.file("damaged"), good.key_file).find("damaged: is no certificate: ") !=
        std::string::npos);
  CHECK(why(good.certificate_file, files.file("locked")).find("locked: ") != std::string::npos);
  CHECK(why(good.certificate_file, other.key_file) ==
        "tls: " + other.key_file + ": is not the key of " + good.certificate_file);
  CHECK(why(good.key_file, good.key_file) ==
        "tls: " + good.key_file + ": holds no certificate in PEM form");
}

TEST_CASE("the local authority is made once, for its owner alone", "[server][tls]") {
  const TemporaryDirectory directory;
  const std::string pki = directory.path() + "/state/pki";
  const WallTime now = SystemClock().now();
  const auto first = LocalAuthority::open(pki, now);
  REQUIRE(first.ok());
  CHECK(mode_of(pki) == 0700);
  CHECK(mode_of(pki + "/root.key") == 0600);
  CHECK(first->not_after() > now + std::chrono::hours(24 * 3640));
  const std::vector<std::string> names{"localhost", "127.0.0.1", "::1", "*.example.com"};
  const Certificate issued = first->issue(names, now).value();
  for (const char* host : {"localhost", "127.0.0.1", "::1", "a.example.com"})
    CHECK(issued.covers(host));
  CHECK_FALSE(issued.covers("example.org"));
  CHECK_FALSE(issued.covers("127.0.0.2"));
  CHECK_FALSE(issued.covers("a.b.example.com"));

  // What the second issues, who trusts the first's root trusts.
  const auto again = LocalAuthority::open(pki, now);
  REQUIRE(again.ok());
  const Certificate later = again->issue(names, now).value();
  X509_STORE* const store = X509_STORE_new();
  const Certificate root = load_certificate(pki + "/root.crt", pki + "/root.key").value();
  X509_STORE_add_cert(store, root.leaf.get());
  X509_STORE_CTX* const check = X509_STORE_CTX_new();
  X509_STORE_CTX_init(check, store, later.leaf.get(), nullptr);
  CHECK(X509_verify_cert(check) == 1);
  X509_STORE_CTX_free(check);
  X509_STORE_free(store);

  const auto expired = LocalAuthority::open(pki, now + LocalAuthority::kRootLifetime);
  REQUIRE_FALSE(expired.ok());
  CHECK(expired.error().message.find("has expired") != std::string::npos);
  std::filesystem::remove(pki + "/root.key");
  CHECK(LocalAuthority::open(pki, now).error().message ==
        "tls: " + pki + "/root.key: No such file or directory");
}

TEST_CASE("certificates are taken over when their files change, if they can be used",
          "[server][tls]") {
  Place at;
  const CertificateConfig files = at.files.write("site", {"before"});
  const auto site = TlsSite::open({.certificates = {files}, .internal = {}}, at.place()).value();
  CHECK(first_name(*site) == "before");
  site->refresh();
  CHECK(at.log.lines.empty());

  at.files.write("site", {"after"});
  site->refresh();
  CHECK(first_name(*site) == "after");
  CHECK(at.said("certificates that have changed are in use"));

  at.files.write_text("site.key", "half of a key");
  site->refresh();
  CHECK(first_name(*site) == "after");
  CHECK(at.said("certificates cannot be taken over; those before stay in use"));
  const std::size_t lines = at.log.lines.size();
  site->refresh();
  CHECK(at.log.lines.size() == lines);  // said once

  at.files.write("site", {"at last"});
  site->refresh();
  CHECK(first_name(*site) == "at last");
}

TEST_CASE("the root is for all who are to trust it, whatever the server's umask", "[server][tls]") {
  const TemporaryDirectory directory;
  const mode_t before = umask(0077);
  const bool opened = LocalAuthority::open(directory.path() + "/pki", SystemClock().now()).ok();
  umask(before);
  REQUIRE(opened);
  CHECK(mode_of(directory.path() + "/pki/root.crt") == 0644);
  CHECK(mode_of(directory.path() + "/pki/root.key") == 0600);
}

TEST_CASE("files that cannot be used hold up no others", "[server][tls]") {
  Place at;
  const CertificateConfig one = at.files.write("one", {"one before"});
  const CertificateConfig two = at.files.write("two", {"two before"});
  const auto site =
      TlsSite::open({.certificates = {one, two}, .internal = {"localhost"}}, at.place()).value();
  const auto names = [&] {
    std::vector<std::string> all;
    for (const Certificate& certificate : site->context()->certificates())
      all.push_back(common_name(certificate.leaf.get()));
    return all;
  };
  at.files.write_text("one.key", "half of a key");
  at.files.write("two", {"two after"});
  site->refresh();
  CHECK(names() == std::vector<std::string>{"one before", "two after", "localhost"});
  at.log.clock.advance(std::chrono::hours(24 * 21));
  const auto issued_until = [&] { return site->context()->certificates().back().not_after(); };
  const WallTime before = issued_until();
  site->refresh();
  CHECK(issued_until() > before);
}

TEST_CASE("files that could not be used are tried again, though they do not change",
          "[server][tls]") {
  Place at;
  const CertificateConfig files = at.files.write("site", {"before"});
  const auto site = TlsSite::open({.certificates = {files}, .internal = {}}, at.place()).value();
  at.files.write("site", {"after"});
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  site->refresh();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(first_name(*site) == "before");
  at.log.clock.advance(std::chrono::minutes(10));
  site->refresh();
  CHECK(first_name(*site) == "after");
}

TEST_CASE("a certificate whose time has not come, is over or nearly so is told", "[server][tls]") {
  Place at;
  const CertificateConfig files = at.files.write("site");
  at.log.clock.advance(std::chrono::hours(24 * 24));
  const auto open = [&] {
    return TlsSite::open({.certificates = {files}, .internal = {}}, at.place());
  };
  REQUIRE(open().ok());
  CHECK(at.said("a certificate expires soon"));
  at.log.clock.advance(std::chrono::hours(24 * 10));
  REQUIRE(open().ok());
  CHECK(at.said("a certificate has expired: clients will refuse it"));
  at.log.clock.advance(-std::chrono::hours(24 * 365));
  REQUIRE(open().ok());
  CHECK(at.said("a certificate is not valid yet: clients will refuse it"));
}

TEST_CASE("a key that everybody can read is told", "[server][tls]") {
  Place at;
  const CertificateConfig files = at.files.write("site");
  const auto open = [&] {
    return TlsSite::open({.certificates = {files}, .internal = {}}, at.place()).ok();
  };
  const std::string_view warning = "everybody on this machine can read a private key";
  CHECK(open());
  CHECK_FALSE(at.said(warning));
  std::filesystem::permissions(files.key_file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  CHECK(open());
  CHECK(at.said(warning));
}

TEST_CASE("what the local authority issued is issued anew before it expires", "[server][tls]") {
  Place at;
  const auto site =
      TlsSite::open({.certificates = {}, .internal = {"localhost", "127.0.0.1"}}, at.place())
          .value();
  CHECK(at.said("curl --cacert " + at.files.file("authority") + "/root.crt"));
  const WallTime first = site->expiry();
  CHECK(first - at.log.clock.now() > std::chrono::hours(24 * 29));
  at.log.clock.advance(std::chrono::hours(24 * 19));
  site->refresh();
  CHECK(site->expiry() == first);
  at.log.clock.advance(std::chrono::hours(24 * 2));
  site->refresh();
  CHECK(site->expiry() > first);
}

TEST_CASE("a check of certificates makes nothing", "[server][tls]") {
  const TestCertificates files;
  CHECK(check_certificates({.certificates = {files.write("good")}, .internal = {}}).ok());
  CHECK(check_certificates({.certificates = {}, .internal = {"localhost"}}).ok());
  const CertificateConfig bad{.certificate_file = files.file("none"), .key_file = "none"};
  CHECK_FALSE(check_certificates({.certificates = {bad}, .internal = {}}).ok());
}

}  // namespace
}  // namespace durable_streams::server
