// A token file on the disk: when it is read again, and what the operator hears.
#include "server/access/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

class TokenFileFixture {
 public:
  TokenFileFixture() { write(line("a")); }

  static std::string line(const std::string& token) {
    return token + " " + TokenHash::of(token)->to_string() + " read /*\n";
  }

  // In place, with a time of its own: two writes may fall into one tick of the file system.
  void write(const std::string& text) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    stamp(++ticks);
  }
  void stamp(time_t seconds) const {
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }

  void open() {
    file =
        TokenFile::open(path, [this](std::string_view said) { told.emplace_back(said); }).value();
  }

  void look_later() {
    now += 1s;
    file->look(now);
  }

  bool knows(std::string_view token) const {
    return file->tokens()->find(TokenHash::of(token).value()) != nullptr;
  }

  TemporaryDirectory directory;
  const std::string path = directory.path() + "/tokens";
  time_t ticks = 1'000'000'000;
  SteadyTime now{1h};
  std::vector<std::string> told;
  std::unique_ptr<TokenFile> file;
};

using Told = std::vector<std::string>;

TEST_CASE("a token file must be there and right to begin with", "[server][access][tokens]") {
  TokenFileFixture fixture;
  const auto refusal = [&](const std::string& path) {
    const Result<std::unique_ptr<TokenFile>> file = TokenFile::open(path, [](std::string_view) {});
    return file ? std::string() : file.error().message;
  };
  CHECK(refusal(fixture.path).empty());
  CHECK(refusal(fixture.path + "x") ==
        "token file " + fixture.path + "x: No such file or directory");
  CHECK(refusal(fixture.directory.path()) ==
        "token file " + fixture.directory.path() + ": it is no regular file");
  const std::string pipe = fixture.directory.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(refusal(pipe) == "token file " + pipe + ": it is no regular file");
  fixture.write("a\n");
  CHECK(refusal(fixture.path) ==
        fixture.path +
            ":1: something is missing; a line is: NAME HASH RIGHTS PATH... "
            "[expires=DATE]");
  fixture.write(std::string(kTokenFileBytesMax + 1, '#'));
  CHECK(refusal(fixture.path) ==
        "token file " + fixture.path + ": it is larger than 8388608 bytes");
}

TEST_CASE("a changed token file is taken over", "[server][access][tokens]") {
  TokenFileFixture fixture;
  fixture.open();
  CHECK(fixture.knows("a"));
  const std::shared_ptr<const TokenSet> before = fixture.file->tokens();
  fixture.write(TokenFileFixture::line("b") + TokenFileFixture::line("c"));
  fixture.look_later();
  CHECK_FALSE(fixture.knows("a"));
  CHECK(fixture.knows("b"));
  CHECK(fixture.told == Told{"token file " + fixture.path + ": taken over with 2 tokens"});
  CHECK(before->size() == 1);  // who reads it still has it
  SECTION("also when another file takes its place") {
    const std::string other = fixture.directory.path() + "/other";
    std::ofstream(other) << TokenFileFixture::line("d") << TokenFileFixture::line("e");
    REQUIRE(::chmod(other.c_str(), 0600) == 0);
    std::filesystem::rename(other, fixture.path);
    fixture.stamp(fixture.ticks);
    fixture.look_later();
    CHECK(fixture.knows("e"));
  }
}

TEST_CASE("a token file is looked at once a second at most, and read when it changed",
          "[server][access][tokens]") {
  TokenFileFixture fixture;
  fixture.open();
  fixture.look_later();  // right after a change it is read once more
  fixture.look_later();
  const std::shared_ptr<const TokenSet> read = fixture.file->tokens();
  fixture.look_later();
  CHECK(fixture.file->tokens() == read);
  fixture.write(TokenFileFixture::line("b"));
  fixture.file->look(fixture.now + 999ms);
  CHECK(fixture.knows("a"));
  fixture.file->look(fixture.now + 1000ms);
  CHECK(fixture.knows("b"));
}

TEST_CASE("a write that a file's state does not tell is seen at the next look",
          "[server][access][tokens]") {
  TokenFileFixture fixture;
  fixture.open();
  std::ofstream(fixture.path) << TokenFileFixture::line("b");
  fixture.stamp(fixture.ticks);
  fixture.look_later();
  CHECK(fixture.knows("b"));
}

TEST_CASE("a token file with a mistake leaves the tokens as they are, and is told once",
          "[server][access][tokens]") {
  TokenFileFixture fixture;
  fixture.open();
  fixture.write(TokenFileFixture::line("b") + "c\n");
  for (int i = 0; i < 4; ++i) fixture.look_later();
  CHECK(fixture.knows("a"));
  CHECK_FALSE(fixture.knows("b"));
  const std::string complaint = fixture.path +
                                ":2: something is missing; a line is: NAME HASH RIGHTS PATH... "
                                "[expires=DATE]; the tokens stay as they were";
  CHECK(fixture.told == Told{complaint});
  fixture.write(TokenFileFixture::line("b"));
  for (int i = 0; i < 4; ++i) fixture.look_later();
  CHECK(fixture.knows("b"));
  CHECK(fixture.told ==
        Told{complaint, "token file " + fixture.path + ": taken over with 1 token"});
}

TEST_CASE("a token file that is gone leaves the tokens as they are, until it is back",
          "[server][access][tokens]") {
  TokenFileFixture fixture;
  fixture.open();
  std::filesystem::remove(fixture.path);
  for (int i = 0; i < 3; ++i) fixture.look_later();
  CHECK(fixture.knows("a"));
  const std::string gone =
      "token file " + fixture.path + ": No such file or directory; the tokens stay as they were";
  CHECK(fixture.told == Told{gone});
  fixture.write(TokenFileFixture::line("b"));
  for (int i = 0; i < 3; ++i) fixture.look_later();
  CHECK(fixture.knows("b"));
  CHECK(fixture.told == Told{gone, "token file " + fixture.path + ": taken over with 1 token"});
}

TEST_CASE("a token file that others can read or write is warned of", "[server][access][tokens]") {
  const std::vector<std::pair<mode_t, std::string>> cases{
      {0600, ""},
      {0640, ""},
      {0400, ""},
      {0644, ": everybody can read it: chmod o-r"},
      {0660,
       ": others than its owner can write it, and so give themselves every right: chmod go-w"},
      {0602,
       ": others than its owner can write it, and so give themselves every right: chmod go-w"},
  };
  for (const auto& [mode, warning] : cases) {
    TokenFileFixture fixture;
    REQUIRE(::chmod(fixture.path.c_str(), mode) == 0);
    fixture.open();
    CHECK(fixture.told ==
          (warning.empty() ? Told{} : Told{"token file " + fixture.path + warning}));
    for (int i = 0; i < 3; ++i) fixture.look_later();
    CHECK(fixture.told.size() == (warning.empty() ? 0 : 1));
  }
}

}  // namespace
}  // namespace durable_streams::server
