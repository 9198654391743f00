// Slices: views that keep the memory they show.
#include <durable_streams/slice.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/catch.h"

namespace durable_streams {

TEST_CASE("an empty slice shows nothing", "[base][slice]") {
  const Slice slice;
  CHECK(slice.empty());
  CHECK(slice.size() == 0);
  CHECK(slice.view().empty());
  CHECK(slice.owner() == nullptr);
  CHECK(Slice::copy_of("").empty());
}

TEST_CASE("a copied slice has bytes of its own", "[base][slice]") {
  std::string bytes = "hello";
  const Slice slice = Slice::copy_of(bytes);
  bytes = "other";
  CHECK(slice.view() == "hello");
  CHECK(slice.owner() != nullptr);
}

TEST_CASE("bytes may hold NUL", "[base][slice]") {
  const std::string_view bytes("a\0b", 3);
  CHECK(Slice::copy_of(bytes).view() == bytes);
}

TEST_CASE("an unowned slice shows bytes that live anyway", "[base][slice]") {
  const std::string_view bytes = "literal";
  const Slice slice = Slice::unowned(bytes);
  CHECK(slice.data() == bytes.data());
  CHECK(slice.owner() == nullptr);
}

TEST_CASE("copies and parts of a slice share its memory", "[base][slice]") {
  auto memory = std::make_shared<const std::string>("0123456789");
  const std::weak_ptr<const std::string> watch = memory;
  const std::string_view view = *memory;
  Slice whole(std::move(memory), view);
  Slice part = whole.sub(3, 4);
  CHECK(part.view() == "3456");
  CHECK(part.data() == view.data() + 3);
  whole = Slice();
  CHECK_FALSE(watch.expired());
  const Slice smaller = part.sub(1, 1);
  part = Slice();
  CHECK(smaller.view() == "4");
  CHECK_FALSE(watch.expired());
}

TEST_CASE("the last share of memory frees it", "[base][slice]") {
  auto memory = std::make_shared<const std::string>("bytes");
  const std::weak_ptr<const std::string> watch = memory;
  {
    const std::string_view view = *memory;
    const Slice slice(std::move(memory), view);
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
}

TEST_CASE("a part is clamped to what there is", "[base][slice]") {
  const Slice slice = Slice::unowned("01234");
  CHECK(slice.sub(0).view() == "01234");
  CHECK(slice.sub(2).view() == "234");
  CHECK(slice.sub(2, 100).view() == "234");
  CHECK(slice.sub(5).empty());
  CHECK(slice.sub(6).empty());
  CHECK(slice.sub(100, 3).empty());
  CHECK(slice.sub(3, 0).empty());
}

}  // namespace durable_streams
