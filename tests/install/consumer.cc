// A program of somebody else's: streams in memory and on the disk, on libuv's loop.
#include <durable_streams/durable_streams.h>
#include <durable_streams/file_store.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/uv_loop.h>
#include <durable_streams/version.h>
#include <uv.h>

#include <cstdlib>
#include <iostream>

namespace ds = durable_streams;

namespace {

// In memory: brings back what it was given, through the libraries that the library needs.
bool reads_what_was_appended(uv_loop_t* uv) {
  ds::MemoryStore store;
  ds::UvLoop loop(uv);
  ds::Engine engine(store);
  ds::Streams streams(engine, loop);
  streams.create_now("numbers", {.content_type = "application/json"}).value();
  streams.append_now("numbers", "[1, 2]").value();
  return streams.read_now("numbers", ds::Offset::start()).value().text() == "[1,\n2]";
}

// On the disk: a create waits for it, so its completion runs when the loop turns.
bool creates_durably(const char* directory, uv_loop_t* uv) {
  auto store = ds::FileStore::open({.directory = directory});
  if (!store) {
    std::cerr << store.error().message << "\n";
    return false;
  }
  ds::UvLoop loop(uv);
  ds::Engine engine(**store);
  ds::Streams streams(engine, loop);
  bool created = false;
  // What keeps uv_run() going until then.
  uv_async_t busy;
  uv_async_init(uv, &busy, nullptr);
  streams.create("kept", {.content_type = "text/plain"}, [&](const ds::Result<ds::Created>& done) {
    created = done.ok();
    uv_close(reinterpret_cast<uv_handle_t*>(&busy), nullptr);
  });
  uv_run(uv, UV_RUN_DEFAULT);
  return created;
}

}  // namespace

int main(int argc, char** argv) {
  uv_loop_t* const uv = uv_default_loop();
  if (argc != 2 || !reads_what_was_appended(uv) || !creates_durably(argv[1], uv))
    return EXIT_FAILURE;
  uv_run(uv, UV_RUN_NOWAIT);
  std::cout << "consumed " << ds::kVersion << "\n";
  return EXIT_SUCCESS;
}
