// P-256 throughout: small, fast, and known to every client.
#include "server/tls/local_authority.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace durable_streams::server {
namespace {

constexpr std::chrono::hours kClockDifference{24};
constexpr std::size_t kSerialBytes = 16;

using NamesHandle = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

Error failed(std::string_view what) {
  return {ErrorCode::kIo, fmt::format("tls internal: {}: {}", what, openssl_error()), {}};
}

Error file_failed(const std::string& file, int error) {
  return {ErrorCode::kIo, fmt::format("tls internal: {}: {}", file, std::strerror(error)), {}};
}

bool set_time(ASN1_TIME* to, WallTime time) {
  return ASN1_TIME_set(to, std::chrono::system_clock::to_time_t(time)) != nullptr;
}

bool set_serial(X509* certificate, std::array<unsigned char, kSerialBytes>& serial) {
  if (RAND_bytes(serial.data(), kSerialBytes) != 1) return false;
  serial.front() = static_cast<unsigned char>((serial.front() & 0x7fU) | 0x01U);  // positive
  const std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(
      BN_bin2bn(serial.data(), kSerialBytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_to_name(X509_NAME* name, const char* field, const std::string& text) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Not by a text that names would be put into: they come from a configuration.
bool add_names(X509* certificate, std::span<const std::string> names) {
  const NamesHandle all(sk_GENERAL_NAME_new_null());
  if (!all) return false;
  for (const std::string& name : names) {
    std::unique_ptr<GENERAL_NAME, OpensslFree<GENERAL_NAME_free>> entry(GENERAL_NAME_new());
    if (!entry) return false;
    if (ASN1_OCTET_STRING* const address = a2i_IPADDRESS(name.c_str())) {
      GENERAL_NAME_set0_value(entry.get(), GEN_IPADD, address);
    } else {
      ASN1_IA5STRING* const host = ASN1_IA5STRING_new();
      if (host == nullptr) return false;
      GENERAL_NAME_set0_value(entry.get(), GEN_DNS, host);  // which owns it from here on
      if (ASN1_STRING_set(host, name.data(), static_cast<int>(name.size())) != 1) return false;
    }
    if (sk_GENERAL_NAME_push(all.get(), entry.get()) == 0) return false;
    static_cast<void>(entry.release());  // the list owns it now
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1;
}

// A certificate with all but its names, extensions and signature.
bool begin_certificate(Certificate& to, WallTime from, WallTime until) {
  std::array<unsigned char, kSerialBytes> serial{};
  to.key.reset(EVP_EC_gen("P-256"));
  to.leaf.reset(X509_new());
  return to.key && to.leaf && X509_set_version(to.leaf.get(), X509_VERSION_3) == 1 &&
         set_serial(to.leaf.get(), serial) && set_time(X509_getm_notBefore(to.leaf.get()), from) &&
         set_time(X509_getm_notAfter(to.leaf.get()), until) &&
         X509_set_pubkey(to.leaf.get(), to.key.get()) == 1;
}

// Into a file with just that mode, whatever the umask, whole or not at all.
Status write_file(const std::string& file, BIO* text, mode_t mode) {
  const std::string unfinished = file + ".new";
  const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return file_failed(unfinished, errno);
  char* bytes = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(text, &bytes));
  int error = ::fchmod(fd, mode) == 0 ? 0 : errno;
  for (std::size_t done = 0; done < size && error == 0;) {
    const ssize_t written = ::write(fd, bytes + done, size - done);
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) done += static_cast<std::size_t>(written);
  }
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  if (error == 0 && std::rename(unfinished.c_str(), file.c_str()) != 0) error = errno;
  return error == 0 ? Status() : file_failed(file, error);
}

Status make_directory(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(directory).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return file_failed(parent.string(), error.value());
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return file_failed(directory, errno);
}

// Keeps other processes from the directory, where the file system can, as long as it lives.
class DirectoryHold {
 public:
  explicit DirectoryHold(const std::string& directory)
      : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~DirectoryHold() {
    if (fd_ >= 0) ::close(fd_);
  }
  DirectoryHold(const DirectoryHold&) = delete;
  DirectoryHold& operator=(const DirectoryHold&) = delete;

 private:
  const int fd_;
};

std::string random_hex() {
  std::array<unsigned char, 4> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

Result<LocalAuthority> LocalAuthority::open(const std::string& directory, WallTime now) {
  LocalAuthority authority;
  if (Status made = make_directory(directory); !made) return made.error();
  // Two servers of one user may start at once.
  const DirectoryHold hold(directory);
  authority.root_file_ = directory + "/root.crt";
  const std::string key_file = directory + "/root.key";
  if (::access(authority.root_file_.c_str(), F_OK) != 0) {
    if (Status made = authority.make_root(directory, now); !made) return made.error();
    return authority;
  }
  Result<Certificate> root = load_certificate(authority.root_file_, key_file);
  if (!root) return root.error();
  authority.root_ = std::move(*root);
  if (X509_check_ca(authority.root_.leaf.get()) != 1 || authority.not_after() <= now) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("tls internal: {} is no authority, or has expired: take it away, with "
                             "its key, and another is made, which clients have to trust anew",
                             authority.root_file_),
                 {}};
  }
  return authority;
}

// The key first: a root is there when its certificate is.
Status LocalAuthority::make_root(const std::string& directory, WallTime now) {
  if (!begin_certificate(root_, now - kClockDifference, now + kRootLifetime))
    return failed("cannot make a key");
  X509* const root = root_.leaf.get();
  X509_NAME* const name = X509_get_subject_name(root);
  if (!add_to_name(name, "O", "Durable Streams") ||
      !add_to_name(name, "CN", "Durable Streams local authority " + random_hex()) ||
      X509_set_issuer_name(root, name) != 1 ||
      !add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(root, root, NID_subject_key_identifier, "hash") ||
      X509_sign(root, root_.key.get(), EVP_sha256()) == 0)
    return failed("cannot make the authority's certificate");
  const BioHandle key(BIO_new(BIO_s_secmem()));
  const BioHandle certificate(BIO_new(BIO_s_mem()));
  if (!key || !certificate ||
      PEM_write_bio_PKCS8PrivateKey(key.get(), root_.key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1 ||
      PEM_write_bio_X509(certificate.get(), root) != 1)
    return failed("cannot write the authority's certificate");
  if (Status written = write_file(directory + "/root.key", key.get(), 0600); !written)
    return written;
  return write_file(root_file_, certificate.get(), 0644);
}

Result<Certificate> LocalAuthority::issue(std::span<const std::string> names, WallTime now) const {
  constexpr std::size_t kCommonNameBytesMax = 64;
  Certificate issued;
  const WallTime until = std::min<WallTime>(now + kLeafLifetime, not_after());
  if (!begin_certificate(issued, now - kClockDifference, until)) return failed("cannot make a key");
  X509* const leaf = issued.leaf.get();
  X509* const root = root_.leaf.get();
  if (!add_to_name(X509_get_subject_name(leaf), "CN",
                   names.front().substr(0, kCommonNameBytesMax)) ||
      X509_set_issuer_name(leaf, X509_get_subject_name(root)) != 1 ||
      !add_extension(leaf, root, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf, root, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf, root, NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf, root, NID_subject_key_identifier, "hash") ||
      !add_extension(leaf, root, NID_authority_key_identifier, "keyid:always") ||
      !add_names(leaf, names) || X509_sign(leaf, root_.key.get(), EVP_sha256()) == 0)
    return failed("cannot issue a certificate");
  return issued;
}

Result<std::string> user_authority_directory() {
  constexpr char kBelow[] = "/durable-streams/pki";
  const char* const data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + kBelow;
  const char* const home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.local/share" + kBelow;
  return Error{ErrorCode::kInvalidArgument,
               "tls internal: nowhere to keep the local authority: give the site's "
               "durable_streams a data_dir, or set HOME or XDG_DATA_HOME",
               {}};
}

}  // namespace durable_streams::server
