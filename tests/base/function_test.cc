// Functions that move: small callables inline, large ones on the heap, each destroyed once.
#include <durable_streams/function.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/catch.h"

namespace durable_streams {

namespace {

// Counts its living copies.
struct Counted {
  explicit Counted(int& count) : living(&count) { ++*living; }
  Counted(const Counted& other) : living(other.living) { ++*living; }
  Counted(Counted&& other) noexcept : living(other.living) { ++*living; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*living; }

  int* living;
};

template <std::size_t kBytes>
auto callable_of(Counted counted) {
  return [counted = std::move(counted), padding = std::array<std::byte, kBytes>{}](int add) {
    return add + static_cast<int>(padding.size()) + *counted.living;
  };
}

int twice(int number) { return 2 * number; }

}  // namespace

TEST_CASE("a function is empty until it is given a callable", "[base][function]") {
  Function<int()> function;
  CHECK_FALSE(static_cast<bool>(function));
  function = [] { return 1; };
  CHECK(static_cast<bool>(function));
  CHECK(function() == 1);
  function = nullptr;
  CHECK_FALSE(static_cast<bool>(function));
}

TEST_CASE("a function calls what it holds, small or large", "[base][function]") {
  int living = 0;
  Function<int(int)> small = callable_of<8>(Counted(living));
  CHECK(small(100) == 109);
  Function<int(int)> large = callable_of<1000>(Counted(living));
  CHECK(large(100) == 1102);
  CHECK(living == 2);
}

TEST_CASE("a plain function and a member are callables too", "[base][function]") {
  Function<int(int)> plain = &twice;
  CHECK(plain(21) == 42);
  Function<std::size_t(const std::string&)> member = &std::string::size;
  CHECK(member("four") == 4);
}

TEST_CASE("moving a function empties the one that it came from", "[base][function]") {
  int living = 0;
  for (const bool large : {false, true}) {
    Function<int(int)> from;
    if (large) {
      from = callable_of<1000>(Counted(living));
    } else {
      from = callable_of<8>(Counted(living));
    }
    Function<int(int)> to = std::move(from);
    CHECK_FALSE(static_cast<bool>(from));  // NOLINT(bugprone-use-after-move)
    CHECK(living == 1);
    CHECK(to(1) == (large ? 1002 : 10));
    from = std::move(to);
    CHECK(living == 1);
    CHECK(from(1) == (large ? 1002 : 10));
  }
  CHECK(living == 0);
}

TEST_CASE("a function destroys its callable when it goes or gets another", "[base][function]") {
  int living = 0;
  {
    Function<int(int)> function = callable_of<8>(Counted(living));
    CHECK(living == 1);
    function = callable_of<1000>(Counted(living));
    CHECK(living == 1);
    function = callable_of<8>(Counted(living));
    CHECK(living == 1);
    function = nullptr;
    CHECK(living == 0);
    function = callable_of<1000>(Counted(living));
  }
  CHECK(living == 0);
}

TEST_CASE("a function that is assigned to itself stays", "[base][function]") {
  int living = 0;
  Function<int(int)> function = callable_of<8>(Counted(living));
  Function<int(int)>& same = function;
  function = std::move(same);
  CHECK(living == 1);
  CHECK(function(0) == 9);
}

TEST_CASE("a function keeps its state between calls", "[base][function]") {
  Function<int()> counter = [count = 0]() mutable { return ++count; };
  CHECK(counter() == 1);
  CHECK(counter() == 2);
  Function<int()> moved = std::move(counter);
  CHECK(moved() == 3);
}

TEST_CASE("what only moves can be held, passed and returned", "[base][function]") {
  Function<std::unique_ptr<int>(std::unique_ptr<int>)> add =
      [held = std::make_unique<int>(40)](std::unique_ptr<int> more) {
        return std::make_unique<int>(*held + *more);
      };
  CHECK(*add(std::make_unique<int>(2)) == 42);
}

TEST_CASE("references pass through a function", "[base][function]") {
  Function<void(int&)> increment = [](int& number) { ++number; };
  int number = 1;
  increment(number);
  CHECK(number == 2);
  Function<int&(int&)> same = [](int& each) -> int& { return each; };
  CHECK(&same(number) == &number);
}

}  // namespace durable_streams
