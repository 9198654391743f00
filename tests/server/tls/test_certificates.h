// Certificates for tests, as files.
#pragma once

#include <openssl/pem.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/tls/certificate.h"
#include "server/tls/local_authority.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {

class TestCertificates {
 public:
  // `now`: when they are issued.
  explicit TestCertificates(WallTime now = SystemClock().now())
      : now_(now), authority_(LocalAuthority::open(directory_.path() + "/pki", now).value()) {}

  const std::string& root_file() const { return authority_.root_file(); }
  std::string file(const std::string& name) const { return directory_.path() + "/" + name; }

  Certificate issue(std::vector<std::string> names) const {
    return authority_.issue(names, now_).value();
  }

  // Writes NAME.pem and NAME.key, for the host NAME or others.
  CertificateConfig write(const std::string& name, std::vector<std::string> names = {}) const {
    if (names.empty()) names.push_back(name);
    return write(name, issue(std::move(names)));
  }

  CertificateConfig write(const std::string& name, const Certificate& certificate) const {
    const CertificateConfig files{.certificate_file = file(name + ".pem"),
                                  .key_file = file(name + ".key")};
    const BioHandle leaf(BIO_new_file(files.certificate_file.c_str(), "w"));
    const BioHandle key(BIO_new_file(files.key_file.c_str(), "w"));
    REQUIRE(PEM_write_bio_X509(leaf.get(), certificate.leaf.get()) == 1);
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(key.get(), certificate.key.get(), nullptr, nullptr, 0,
                                          nullptr, nullptr) == 1);
    std::filesystem::permissions(
        files.key_file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return files;
  }

  void write_text(const std::string& name, std::string_view text) const {
    std::ofstream(file(name)) << text;
  }

 private:
  const TemporaryDirectory directory_;
  const WallTime now_;
  const LocalAuthority authority_;
};

}  // namespace durable_streams::server
