// The store counts; this compares.
#include "server/store_watch.h"

#include <fmt/format.h>

namespace durable_streams::server {

void StoreWatch::opened(const FileStoreOpening& opening) {
  if (opening.clean) return;
  say(fmt::format("was not closed in order; {} changes replayed from the journal",
                  opening.replayed));
  if (opening.torn_bytes > 0) {
    say(fmt::format("{} bytes of an unfinished write cut off at {}: nothing of it was acknowledged",
                    opening.torn_bytes, opening.torn_where));
  }
  if (opening.may_have_lost) {
    say("changes answered shortly before may be lost, if the machine stopped: it did not run with "
        "--durability always, or is a backup");
  }
}

void StoreWatch::look(const FileStoreStats& stats) {
  if (stats.read_only && !read_only_) {
    say(fmt::format("read-only until the server is started again: {}", stats.read_only_reason));
  }
  read_only_ = stats.read_only;
  if (stats.short_of_room && !short_of_room_)
    say("out of room: creates and appends are refused with 507; deleting streams makes room");
  if (!stats.short_of_room && short_of_room_) say("there is room again: all changes are taken");
  short_of_room_ = stats.short_of_room;
  for (; damages_ < stats.damage.size(); ++damages_)
    say(fmt::format("damaged: {}", stats.damage[damages_]));
}

void StoreWatch::say(std::string_view line) {
  if (log_) log_(fmt::format("{}: {}", directory_, line));
}

}  // namespace durable_streams::server
