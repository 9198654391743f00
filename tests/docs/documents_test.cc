// What the documents say of tests and of messages is held to them: an example that is said to work
// has a test that runs it, and a message that is quoted is one that the server prints.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace {

const std::filesystem::path kTree = DURABLE_STREAMS_SOURCE_DIR;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(kTree / file, std::ios::binary);
  INFO(file);
  REQUIRE(in.good());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The words in backquotes that begin so.
std::vector<std::string> quoted(std::string_view text, std::string_view beginning) {
  std::vector<std::string> found;
  const std::string mark = "`" + std::string(beginning);
  for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at)) {
    const std::size_t end = text.find('`', at + 1);
    REQUIRE(end != std::string_view::npos);
    found.emplace_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return found;
}

std::string all_of(const std::filesystem::path& directory, std::string_view extension) {
  std::string text;
  for (const auto& each : std::filesystem::recursive_directory_iterator(kTree / directory)) {
    if (each.path().extension() == extension) text += text_of(each.path());
  }
  return text;
}

TEST_CASE("every file that the page about Caddy names is there", "[docs]") {
  const std::string page = text_of("docs/moving-from-caddy.md");
  std::size_t files = 0;
  for (const std::string_view room : {"tests/", "docs/", "deploy/", "scripts/"}) {
    for (const std::string& file : quoted(page, room)) {
      if (contains(file, " ")) continue;  // a command line
      INFO(file);
      CHECK(std::filesystem::exists(kTree / file));
      ++files;
    }
  }
  CHECK(files > 50);
}

TEST_CASE("every example of the Caddy server's documentation is run, and listed", "[docs]") {
  const std::string page = text_of("docs/moving-from-caddy.md");
  const std::string runs = text_of("tests/server/run_test.cc");
  for (const auto& each : std::filesystem::directory_iterator(kTree / "tests/server/config/seed")) {
    const std::string name = each.path().filename().string();
    INFO(name);
    CHECK(contains(runs, "\"" + name + "\""));
    CHECK(contains(page, "`tests/server/config/seed/" + name + "`"));
  }
  const std::string deploys = all_of("tests/deploy", ".sh");
  for (const auto& each : std::filesystem::directory_iterator(kTree / "tests/deploy/seed")) {
    const std::string name = each.path().filename().string();
    INFO(name);
    CHECK(contains(deploys, "seed/" + name));
    CHECK(contains(page, "`tests/deploy/seed/" + name + "`"));
  }
}

// As the compiler joins them: neighbouring literals are one, and quotes lose what marks them.
std::string literals(std::string_view source) {
  std::string joined;
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (source[at] == '\\' && at + 1 < source.size()) {
      joined += source[++at];
      continue;
    }
    const std::size_t next =
        source[at] == '"' ? source.find_first_not_of(" \n", at + 1) : std::string_view::npos;
    if (next != std::string_view::npos && next > at + 1 && source[next] == '"') {
      at = next;
    } else {
      joined += source[at];
    }
  }
  return joined;
}

// What stands between its placeholders, which are words of capitals.
std::vector<std::string> fixed_parts(const std::string& message) {
  std::vector<std::string> parts(1);
  for (std::size_t at = 0; at < message.size();) {
    std::size_t end = at;
    while (end < message.size() && std::isupper(static_cast<unsigned char>(message[end])) != 0)
      ++end;
    if (end - at >= 3) {
      parts.emplace_back();
      at = end;
    } else {
      parts.back() += message[at++];
    }
  }
  for (std::string& part : parts) {  // as they stand between a message's own arguments
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
  }
  return parts;
}

// What the page quotes: lines of blocks that are fenced as messages, and the second cells of rows
// about statuses.
std::vector<std::string> messages_of(const std::string& page) {
  std::vector<std::string> messages;
  std::istringstream lines(page);
  bool fenced = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      fenced = line == "```message";
    } else if (fenced) {
      messages.push_back(line);
    } else if (line.starts_with("| 4") || line.starts_with("| 5")) {
      const std::size_t from = line.find('|', 1);
      const std::string cell = line.substr(from, line.find('|', from + 1) - from);
      for (std::string& each : quoted(cell, "")) messages.push_back(std::move(each));
    }
  }
  return messages;
}

TEST_CASE("every message that is quoted for troubleshooting is one of the server's", "[docs]") {
  const std::string sources = literals(all_of("server", ".cc") + all_of("server", ".h") +
                                       all_of("lib", ".cc") + all_of("lib", ".h"));
  std::size_t letters = 0;
  const std::vector<std::string> messages = messages_of(text_of("docs/troubleshooting.md"));
  for (const std::string& message : messages) {
    for (const std::string& part : fixed_parts(message)) {
      if (part.size() < 4) continue;
      INFO(message << "\nhas: " << part);
      CHECK(contains(sources, part));
      letters += part.size();
    }
  }
  CHECK(messages.size() > 60);
  CHECK(letters > 20 * messages.size());  // not placeholders alone
}

}  // namespace
