// A certificate with its chain and its key, as a server shows it.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/result.h>

#include <string>
#include <string_view>
#include <vector>

#include "server/tls/openssl_handles.h"

namespace durable_streams::server {

struct Certificate {
  CertificateHandle leaf;
  std::vector<CertificateHandle> chain;  // from the leaf's issuer on
  KeyHandle key;

  // The same objects, held once more.
  Certificate share() const;

  WallTime not_before() const;
  WallTime not_after() const;

  // Whether it is for the host: a DNS name, of which `*.` stands for one label, or an address (RFC
  // 6125 section 6.4).
  bool covers(std::string_view host) const;
};

// Reads PEM files. An error names the file and says what is wrong with it: it cannot be read, is no
// PEM, or the key is not the certificate's.
Result<Certificate> load_certificate(const std::string& certificate_file,
                                     const std::string& key_file);

}  // namespace durable_streams::server
