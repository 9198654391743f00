// The store counts; this compares.
#include "server/store_watch.h"

namespace durable_streams::server {

void StoreWatch::opened(const FileStoreOpening& opening) {
  if (opening.clean) return;
  log_.warn("was not closed in order; changes replayed from the journal",
            {{"store", directory_}, {"changes", opening.replayed}});
  if (opening.torn_bytes > 0) {
    log_.warn("an unfinished write was cut off: nothing of it was acknowledged",
              {{"store", directory_}, {"bytes", opening.torn_bytes}, {"at", opening.torn_where}});
  }
  if (opening.may_have_lost) {
    log_.warn(
        "changes answered shortly before may be lost, if the machine stopped: it did not run with "
        "durability always, is a backup, or was repaired",
        {{"store", directory_}});
  }
}

void StoreWatch::look(const FileStoreStats& stats) {
  if (stats.read_only && !read_only_) {
    log_.error("read-only until the server is started again",
               {{"store", directory_}, {"reason", stats.read_only_reason}});
  }
  read_only_ = stats.read_only;
  if (stats.short_of_room && !short_of_room_) {
    log_.error("out of room: creates and appends are refused with 507; deleting streams makes room",
               {{"store", directory_}});
  }
  if (!stats.short_of_room && short_of_room_)
    log_.info("there is room again: all changes are taken", {{"store", directory_}});
  short_of_room_ = stats.short_of_room;
  for (; damages_ < stats.damage.size(); ++damages_)
    log_.error("damaged", {{"store", directory_}, {"what", stats.damage[damages_]}});
}

}  // namespace durable_streams::server
