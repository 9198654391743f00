// Hello, in full: a stream in memory, on a loop that this program turns itself. No threads, no
// sockets, no HTTP.
#include <durable_streams/durable_streams.h>

#include <iostream>

namespace ds = durable_streams;

int main() {
  ds::ManualLoop loop;
  ds::MemoryStore store;
  ds::Engine engine(store);
  ds::Streams streams(engine, loop);

  // `value()` ends the program where there is only an error; look at a result with `if (!result)`
  // first where it may fail.
  streams.create_now("greetings", {.content_type = "text/plain"}).value();
  const ds::Appended appended = streams.append_now("greetings", "hello\n").value();

  const ds::Page page = streams.read_now("greetings", ds::Offset::start()).value();
  std::cout << "read: " << page.text();

  // Nothing is there yet after the first append: the follower waits, and its completion runs when
  // the loop turns.
  ds::Follower follower = streams.follow("greetings", appended.next_offset);
  follower.next(
      [](const ds::Result<ds::Page>& live) { std::cout << "live: " << live.value().text(); });

  streams.append_now("greetings", "world\n").value();
  loop.run_until_idle();
}
