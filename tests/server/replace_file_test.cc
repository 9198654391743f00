// A file's text replaced as a whole.
#include "server/cli/replace_file.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

namespace fs = std::filesystem;

struct Place {
  Place() { write("old text"); }

  void write(std::string_view text) const { std::ofstream(file) << text; }
  static std::string text_of(std::istream& from) {
    return {std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
  }
  std::string read(const std::string& path) const {
    std::ifstream from(path);
    return text_of(from);
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()));
  }

  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/Caddyfile";
};

TEST_CASE("who has a file open that is replaced reads its old text to the end",
          "[server][config]") {
  const Place place;
  std::ifstream reading(place.file);
  REQUIRE(replace_file(place.file, "new").ok());
  CHECK(Place::text_of(reading) == "old text");
  CHECK(place.read(place.file) == "new");
  CHECK(place.files() == 1);
}

TEST_CASE("a replaced file keeps its mode and its owner", "[server][config]") {
  constexpr uid_t kNobody = 65534;
  const Place place;
  const bool may_give = ::chown(place.file.c_str(), kNobody, kNobody) == 0;
  fs::permissions(place.file, fs::perms(0640));
  REQUIRE(replace_file(place.file, "new").ok());
  struct stat now {};
  REQUIRE(::stat(place.file.c_str(), &now) == 0);
  CHECK((now.st_mode & 07777) == 0640);
  if (may_give) {
    CHECK(now.st_uid == kNobody);
    CHECK(now.st_gid == kNobody);
  }
}

TEST_CASE("a symbolic link stays, and what it names is replaced", "[server][config]") {
  const Place place;
  const std::string link = place.directory.path() + "/link";
  fs::create_symlink("Caddyfile", link);
  REQUIRE(replace_file(link, "new").ok());
  CHECK(fs::is_symlink(link));
  CHECK_FALSE(fs::is_symlink(place.file));
  CHECK(place.read(place.file) == "new");
}

TEST_CASE("what cannot be replaced is left as it was, and says why", "[server][config]") {
  const Place place;
  const std::string directory = place.directory.path() + "/directory";
  fs::create_directory(directory);
  const Status replaced = replace_file(directory, "new");
  REQUIRE_FALSE(replaced.ok());
  CHECK(replaced.error().message == "cannot write " + directory + ": Is a directory");
  CHECK(fs::is_directory(directory));
  CHECK(place.files() == 2);
  const std::string nowhere = place.directory.path() + "/nowhere";
  CHECK(replace_file(nowhere, "new").error().message ==
        "cannot write " + nowhere + ": No such file or directory");
}

TEST_CASE("a file that is mounted by itself is left as it was, and the error says so",
          "[server][config]") {
  const Place place;
  if (::mount(place.file.c_str(), place.file.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    WARN("not tested: this user may not mount");
    return;
  }
  const Status replaced = replace_file(place.file, "new");
  REQUIRE(::umount(place.file.c_str()) == 0);
  REQUIRE_FALSE(replaced.ok());
  CHECK(replaced.error().message ==
        "cannot write " + place.file + ": it is mounted there, and can only be written into");
  CHECK(place.read(place.file) == "old text");
  CHECK(place.files() == 1);
}

}  // namespace
}  // namespace durable_streams::server
