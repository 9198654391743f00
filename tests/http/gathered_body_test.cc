// Bodies in pieces.
#include "http/gathered_body.h"

#include "tests/support/catch.h"

namespace durable_streams::http {

TEST_CASE("a gathered body is its pieces in order, however they are cut", "[http][body]") {
  std::string whole;
  for (int i = 0; i < 100'000; ++i) whole += static_cast<char>('a' + i % 26);
  for (const std::size_t piece_bytes :
       {std::size_t{1} << 20, std::size_t{40'000}, std::size_t{33}}) {
    for (const bool announced : {false, true}) {
      GatheredBody body;
      body.begin(announced ? std::optional<std::uint64_t>(whole.size()) : std::nullopt);
      for (std::size_t at = 0; at < whole.size(); at += piece_bytes) {
        body.add(std::string_view(whole).substr(at, piece_bytes));
        body.add({});
      }
      CHECK(body.view() == whole);
      CHECK(body.size() == whole.size());
      if (announced) {
        CHECK(body.owned().view() == whole);
        CHECK(body.owned().data() == body.view().data());
      }
    }
  }
}

TEST_CASE("a small body is not given away, a large one only in memory of its own", "[http][body]") {
  GatheredBody body;
  body.begin(5);
  body.add("hel");
  body.add("lo");
  CHECK(body.view() == "hello");
  CHECK(body.owned().empty());
  const std::string large(200'000, 'x');
  body.begin({});
  body.add(large);
  body.add("y");
  CHECK(body.size() == large.size() + 1);
  CHECK(body.owned().empty());
  body.begin(large.size());
  CHECK(body.size() == 0);
  body.add(large);
  const Slice kept = body.owned();
  body.begin({});
  CHECK(kept.view() == large);
}

TEST_CASE("a promise of a huge body is not believed until it comes", "[http][body]") {
  GatheredBody body;
  body.begin(std::uint64_t{1} << 60);
  body.add("hello");
  CHECK(body.view() == "hello");
  const std::string more(3'000'000, 'x');
  body.add(more);
  CHECK(body.size() == more.size() + 5);
}

TEST_CASE("more than was promised is gathered too", "[http][body]") {
  GatheredBody body;
  body.begin(40'000);
  body.add(std::string(40'000, 'x'));
  body.add("y");
  CHECK(body.size() == 40'001);
  CHECK(body.view().back() == 'y');
}

}  // namespace durable_streams::http
