// A stream that is deleted stays known as long as forks hold it: its source learns only then that
// it is gone.
#include "tests/crash/world.h"

#include <algorithm>
#include <utility>

namespace durable_streams::crash {

StreamModel& World::add(std::string path, bool json, bool shared_by_workers) {
  auto stream = std::make_unique<StreamModel>();
  stream->path = std::move(path);
  stream->json = json;
  stream->shared = shared_by_workers;
  const int writers = shared_by_workers ? kWorkers : 1;
  for (int i = 0; i < writers; ++i) {
    stream->writers["w" + std::to_string(i)] = {};
    stream->writers["p" + std::to_string(i)] = {.producer = true, .units = {}};
  }
  const std::lock_guard lock(mutex_);
  stream->tag = "s" + std::to_string(next_tag_++);
  streams_.push_back(std::move(stream));
  return *streams_.back();
}

void World::note_deleted(StreamModel& stream) {
  stream.life = StreamModel::Life::kDeleted;
  for (StreamModel* gone = &stream; gone != nullptr && gone->source != nullptr && !gone->held();) {
    StreamModel* const source = std::exchange(gone->source, nullptr);
    --source->forks;
    gone = source->life == StreamModel::Life::kDeleted ? source : nullptr;
  }
}

void World::forget_streams(const std::vector<const StreamModel*>& keep) {
  std::erase_if(streams_, [&](const std::unique_ptr<StreamModel>& stream) {
    return stream->life == StreamModel::Life::kDeleted && !stream->held() &&
           std::find(keep.begin(), keep.end(), stream.get()) == keep.end();
  });
}

void World::fail(const StreamModel& stream, const std::string& what) {
  fail(stream.path + " (" + stream.tag + "): " + what);
}

void World::fail(const std::string& what) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(what);
}

std::vector<std::string> World::take_failures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failures_, {});
}

}  // namespace durable_streams::crash
