// The calls of the simulated disk: each asks for its fate first, then happens or not.
#include "tests/support/simulated_disk.h"

#include <algorithm>
#include <utility>

namespace durable_streams {
namespace {

std::string_view reason_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "No such file or directory";
    case ErrorCode::kNoSpace:
      return "No space left on device";
    case ErrorCode::kTooMany:
      return "Too many open files";
    case ErrorCode::kCanceled:
      return "the machine is down";
    default:
      return "Input/output error";
  }
}

Error failed(std::string_view text, ErrorCode code, std::string_view reason) {
  std::string message(text);
  message += ": ";
  message += reason;
  return Error{.code = code, .message = std::move(message), .detail = {}};
}

Error failed(std::string_view text, ErrorCode code) { return failed(text, code, reason_of(code)); }

std::uint64_t blocks_of(std::uint64_t size) {
  return (size + SimulatedDisk::kBlockBytes - 1) / SimulatedDisk::kBlockBytes;
}

std::string flattened(std::span<const std::string_view> parts) {
  std::string bytes;
  for (const std::string_view part : parts) bytes += part;
  return bytes;
}

std::size_t index_of(DiskCall call) { return static_cast<std::size_t>(call); }

}  // namespace

// Threads: as File.
class SimulatedDisk::SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, Content content, std::string path, bool writable,
                std::uint64_t boot)
      : disk_(disk),
        content_(std::move(content)),
        path_(std::move(path)),
        writable_(writable),
        boot_(boot) {}
  SimulatedFile(const SimulatedFile&) = delete;
  SimulatedFile& operator=(const SimulatedFile&) = delete;

  ~SimulatedFile() override {
    const MutexLock lock(disk_.mutex_);
    if (boot_ == disk_.boot_) --disk_.open_files_;
  }

  Status write(std::uint64_t offset, std::span<const std::string_view> parts) override {
    const std::string text = "write " + path_;
    const MutexLock lock(disk_.mutex_);
    if (const Status usable = check(text, true); !usable) return usable;
    return disk_.write(*content_, offset, parts, text);
  }

  Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override {
    const MutexLock lock(disk_.mutex_);
    return read_locked(offset, out, size);
  }

  std::optional<Result<std::size_t>> read_cached(std::uint64_t offset, char* out,
                                                 std::size_t size) override {
    const MutexLock lock(disk_.mutex_);
    const std::uint64_t one_in = disk_.reads_wait_one_in_;
    if (boot_ == disk_.boot_ && one_in != 0 && disk_.random_.one_in(one_in)) return std::nullopt;
    return read_locked(offset, out, size);
  }

  Status sync() override {
    const std::string text = "sync " + path_;
    const MutexLock lock(disk_.mutex_);
    if (const Status usable = check(text, false); !usable) return usable;
    return disk_.sync(*content_, text);
  }

  void start_writeback(std::uint64_t /*offset*/, std::uint64_t /*size*/) override {}

  Result<std::uint64_t> size() override {
    const std::string text = "stat " + path_;
    const MutexLock lock(disk_.mutex_);
    if (const Status usable = check(text, false); !usable) return usable.error();
    if (Fate fate = disk_.fate_of(DiskCall::kSize, false, text); !fate.status) {
      return fate.status.error();
    }
    return content_->size();
  }

  Status truncate(std::uint64_t size) override {
    const std::string text = "truncate " + path_;
    const MutexLock lock(disk_.mutex_);
    if (const Status usable = check(text, true); !usable) return usable;
    return disk_.truncate(*content_, size, text);
  }

  Status allocate(std::uint64_t size) override {
    const std::string text = "allocate " + path_;
    const MutexLock lock(disk_.mutex_);
    if (const Status usable = check(text, true); !usable) return usable;
    if (size <= content_->size()) return {};
    return disk_.truncate(*content_, size, text);
  }

 private:
  Status check(std::string_view text, bool writes) const DURABLE_STREAMS_REQUIRES(disk_.mutex_) {
    if (boot_ != disk_.boot_) return failed(text, ErrorCode::kCanceled);
    if (writes && !writable_) return failed(text, ErrorCode::kIo, "Bad file descriptor");
    return {};
  }

  Result<std::size_t> read_locked(std::uint64_t offset, char* out, std::size_t size) const
      DURABLE_STREAMS_REQUIRES(disk_.mutex_) {
    const std::string text = "read " + path_;
    if (const Status usable = check(text, false); !usable) return usable.error();
    if (Fate fate = disk_.fate_of(DiskCall::kRead, false, text); !fate.status) {
      return fate.status.error();
    }
    return content_->read(offset, out, size);
  }

  SimulatedDisk& disk_;
  const Content content_;
  const std::string path_;
  const bool writable_;
  const std::uint64_t boot_;
};

// Threads: any.
class SimulatedDisk::SimulatedLock final : public DirectoryLock {
 public:
  SimulatedLock(SimulatedDisk& disk, std::string path, std::uint64_t boot)
      : disk_(disk), path_(std::move(path)), boot_(boot) {}
  SimulatedLock(const SimulatedLock&) = delete;
  SimulatedLock& operator=(const SimulatedLock&) = delete;

  ~SimulatedLock() override {
    const MutexLock lock(disk_.mutex_);
    if (boot_ == disk_.boot_) disk_.locks_.erase(path_);
  }

 private:
  SimulatedDisk& disk_;
  const std::string path_;
  const std::uint64_t boot_;
};

SimulatedDisk::SimulatedDisk(std::uint64_t seed) : random_(seed) {}

void SimulatedDisk::crash(Random& random) {
  const MutexLock lock(mutex_);
  restart();
  names_.crash(random);
  for (const Content& content : names_.contents()) content->crash(random);
}

void SimulatedDisk::kill() {
  const MutexLock lock(mutex_);
  restart();
}

void SimulatedDisk::restart() {
  ++boot_;
  dead_ = false;
  death_at_ = 0;
  open_files_ = 0;
  locks_.clear();
}

void SimulatedDisk::die_at_change(std::uint64_t nth) {
  const MutexLock lock(mutex_);
  death_at_ = nth == 0 ? 0 : changes_ + nth;
}

bool SimulatedDisk::dead() const {
  const MutexLock lock(mutex_);
  return dead_;
}

std::uint64_t SimulatedDisk::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

Status SimulatedDisk::outside_change() {
  const MutexLock lock(mutex_);
  return death("change").status;
}

void SimulatedDisk::fail_call(DiskCall call, std::uint64_t nth, ErrorCode code) {
  const MutexLock lock(mutex_);
  faults_[index_of(call)].nth.emplace_back(calls_[index_of(call)] + nth, code);
}

void SimulatedDisk::fail_randomly(DiskCall call, std::uint64_t one_in, ErrorCode code) {
  const MutexLock lock(mutex_);
  faults_[index_of(call)].one_in = one_in;
  faults_[index_of(call)].code = code;
}

void SimulatedDisk::clear_faults() {
  const MutexLock lock(mutex_);
  faults_ = {};
}

void SimulatedDisk::set_capacity(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

void SimulatedDisk::set_open_files_max(std::size_t count) {
  const MutexLock lock(mutex_);
  open_files_max_ = count;
}

void SimulatedDisk::set_links(bool links) {
  const MutexLock lock(mutex_);
  links_ = links;
}

void SimulatedDisk::set_reads_wait(std::uint64_t one_in) {
  const MutexLock lock(mutex_);
  reads_wait_one_in_ = one_in;
}

void SimulatedDisk::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  const MutexLock lock(mutex_);
  if (const Content content = names_.find(SimulatedNames::normal(path))) {
    content->flip_bit(offset, bit);
  }
}

std::optional<std::string> SimulatedDisk::content(const std::string& path) const {
  const MutexLock lock(mutex_);
  const Content content = names_.find(SimulatedNames::normal(path));
  if (content == nullptr) return std::nullopt;
  return content->bytes();
}

std::uint64_t SimulatedDisk::used_bytes() const {
  const MutexLock lock(mutex_);
  return used();
}

std::size_t SimulatedDisk::open_files() const {
  const MutexLock lock(mutex_);
  return open_files_;
}

std::uint64_t SimulatedDisk::calls(DiskCall call) const {
  const MutexLock lock(mutex_);
  return calls_[index_of(call)];
}

std::uint64_t SimulatedDisk::written_bytes() const {
  const MutexLock lock(mutex_);
  return written_bytes_;
}

std::uint64_t SimulatedDisk::used() const {
  std::uint64_t blocks = 0;
  for (const Content& content : names_.contents()) blocks += blocks_of(content->size());
  return blocks * kBlockBytes;
}

std::uint64_t SimulatedDisk::growth_end(std::uint64_t size) const {
  if (capacity_ == kUnlimited) return kUnlimited;
  const std::uint64_t free = capacity_ - std::min(capacity_, used());
  return (blocks_of(size) + free / kBlockBytes) * kBlockBytes;
}

SimulatedDisk::Fate SimulatedDisk::fate_of(DiskCall call, bool changes, std::string_view text) {
  const std::size_t index = index_of(call);
  ++calls_[index];
  if (dead_) return {.status = failed(text, ErrorCode::kCanceled), .happens = false};
  if (changes) {
    if (Fate fate = death(text); !fate.status) return fate;
  }
  if (const std::optional<ErrorCode> code = fault_of(call)) {
    return {.status = failed(text, *code), .happens = false, .faulty = true};
  }
  return {};
}

SimulatedDisk::Fate SimulatedDisk::death(std::string_view text) {
  if (dead_) return {.status = failed(text, ErrorCode::kCanceled), .happens = false};
  if (++changes_ != death_at_) return {};
  dead_ = true;
  return {.status = failed(text, ErrorCode::kCanceled), .happens = random_.one_in(2)};
}

std::optional<ErrorCode> SimulatedDisk::fault_of(DiskCall call) {
  Faults& faults = faults_[index_of(call)];
  const std::uint64_t number = calls_[index_of(call)];
  const auto due = std::find_if(faults.nth.begin(), faults.nth.end(),
                                [&](const auto& fault) { return fault.first == number; });
  if (due != faults.nth.end()) {
    const ErrorCode code = due->second;
    faults.nth.erase(due);
    return code;
  }
  if (faults.one_in != 0 && random_.one_in(faults.one_in)) return faults.code;
  return std::nullopt;
}

Status SimulatedDisk::write(SimulatedContent& content, std::uint64_t offset,
                            std::span<const std::string_view> parts, std::string_view text) {
  Fate fate = fate_of(DiskCall::kWrite, true, text);
  std::string bytes = flattened(parts);
  if (fate.faulty) bytes.resize(random_.below(bytes.size() + 1));
  const std::uint64_t end = std::max(content.size(), growth_end(content.size()));
  const bool full = offset + bytes.size() > end;
  if (full) bytes.resize(end > offset ? end - offset : 0);
  if (fate.happens || fate.faulty) {
    content.write(offset, bytes);
    written_bytes_ += bytes.size();
  }
  if (fate.status && full) return failed(text, ErrorCode::kNoSpace);
  return fate.status;
}

Status SimulatedDisk::truncate(SimulatedContent& content, std::uint64_t size,
                               std::string_view text) {
  Fate fate = fate_of(DiskCall::kTruncate, true, text);
  if (fate.status && size > std::max(content.size(), growth_end(content.size()))) {
    return failed(text, ErrorCode::kNoSpace);
  }
  if (fate.happens) content.truncate(size);
  return fate.status;
}

Status SimulatedDisk::sync(SimulatedContent& content, std::string_view text) {
  Fate fate = fate_of(DiskCall::kSync, true, text);
  if (fate.happens) content.sync();
  if (fate.faulty) content.fail_sync(random_);
  return fate.status;
}

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, OpenMode mode) {
  const bool creates = mode == OpenMode::kCreate;
  const std::string text = (creates ? "create " : "open ") + path;
  const std::string name = SimulatedNames::normal(path);
  const MutexLock lock(mutex_);
  Fate fate = fate_of(DiskCall::kOpen, creates, text);
  if (!fate.happens) return fate.status.error();
  Content content = names_.find(name);
  if (creates) {
    if (content != nullptr || names_.has_directory(name)) {
      return failed(text, ErrorCode::kIo, "File exists");
    }
    if (!names_.has_directory(SimulatedNames::parent_of(name))) {
      return failed(text, ErrorCode::kNotFound);
    }
  } else if (content == nullptr) {
    return failed(text, ErrorCode::kNotFound);
  }
  if (open_files_ >= open_files_max_) return failed(text, ErrorCode::kTooMany);
  if (creates) {
    content = std::make_shared<SimulatedContent>();
    names_.create(name, content);
  }
  if (!fate.status) return fate.status.error();
  ++open_files_;
  return std::unique_ptr<File>(std::make_unique<SimulatedFile>(*this, std::move(content), path,
                                                               mode != OpenMode::kRead, boot_));
}

Status SimulatedDisk::create_directories(const std::string& path) {
  const std::string text = "create directory " + path;
  const MutexLock lock(mutex_);
  Fate fate = fate_of(DiskCall::kCreateDirectories, true, text);
  if (!fate.happens) return fate.status;
  std::vector<std::string> missing;
  for (std::string name = SimulatedNames::normal(path); !names_.has_directory(name);
       name = SimulatedNames::parent_of(name)) {
    if (names_.find(name) != nullptr) return failed(text, ErrorCode::kIo, "Not a directory");
    missing.push_back(name);
  }
  // Dying on the way leaves some of them.
  if (!fate.status && !missing.empty()) {
    missing.erase(missing.begin(),
                  missing.begin() + static_cast<std::ptrdiff_t>(random_.below(missing.size())));
  }
  for (; !missing.empty(); missing.pop_back()) names_.create_directory(missing.back());
  return fate.status;
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& directory) {
  const std::string text = "list " + directory;
  const std::string name = SimulatedNames::normal(directory);
  const MutexLock lock(mutex_);
  if (Fate fate = fate_of(DiskCall::kList, false, text); !fate.status) return fate.status.error();
  if (!names_.has_directory(name)) return failed(text, ErrorCode::kNotFound);
  return names_.list(name);
}

Status SimulatedDisk::rename(const std::string& from, const std::string& to) {
  const std::string text = "rename " + from + " to " + to;
  const std::string old_name = SimulatedNames::normal(from);
  const std::string new_name = SimulatedNames::normal(to);
  const MutexLock lock(mutex_);
  Fate fate = fate_of(DiskCall::kRename, true, text);
  if (!fate.happens) return fate.status;
  if (names_.has_directory(old_name)) {
    Status renamed = rename_directory(old_name, new_name, text);
    return renamed.ok() ? fate.status : renamed;
  }
  if (names_.find(old_name) == nullptr ||
      !names_.has_directory(SimulatedNames::parent_of(new_name))) {
    return failed(text, ErrorCode::kNotFound);
  }
  if (names_.has_directory(new_name)) return failed(text, ErrorCode::kIo, "Is a directory");
  names_.rename(old_name, new_name);
  return fate.status;
}

Status SimulatedDisk::rename_directory(const std::string& from, const std::string& to,
                                       std::string_view text) {
  if (names_.find(to) != nullptr) return failed(text, ErrorCode::kIo, "Not a directory");
  if (!names_.has_directory(SimulatedNames::parent_of(to)))
    return failed(text, ErrorCode::kNotFound);
  if (names_.has_directory(to) && !names_.is_empty(to))
    return failed(text, ErrorCode::kConflict, "Directory not empty");
  names_.rename(from, to);
  return {};
}

Status SimulatedDisk::link(const std::string& from, const std::string& to) {
  const std::string text = "link " + from + " to " + to;
  const std::string old_name = SimulatedNames::normal(from);
  const std::string new_name = SimulatedNames::normal(to);
  const MutexLock lock(mutex_);
  if (!links_) return failed(text, ErrorCode::kInvalidArgument, "Invalid cross-device link");
  Fate fate = fate_of(DiskCall::kLink, true, text);
  if (!fate.happens) return fate.status;
  const Content content = names_.find(old_name);
  if (content == nullptr || !names_.has_directory(SimulatedNames::parent_of(new_name)))
    return failed(text, ErrorCode::kNotFound);
  if (names_.find(new_name) != nullptr || names_.has_directory(new_name))
    return failed(text, ErrorCode::kIo, "File exists");
  names_.create(new_name, content);
  return fate.status;
}

Status SimulatedDisk::remove_directory(const std::string& directory) {
  const std::string text = "remove directory " + directory;
  const std::string name = SimulatedNames::normal(directory);
  const MutexLock lock(mutex_);
  Fate fate = fate_of(DiskCall::kRemove, true, text);
  if (!fate.happens) return fate.status;
  if (names_.find(name) != nullptr) return failed(text, ErrorCode::kConflict, "Not a directory");
  if (!names_.has_directory(name)) return failed(text, ErrorCode::kNotFound);
  if (!names_.is_empty(name)) return failed(text, ErrorCode::kConflict, "Directory not empty");
  names_.remove(name);
  return fate.status;
}

Status SimulatedDisk::remove(const std::string& path) {
  const std::string text = "remove " + path;
  const std::string name = SimulatedNames::normal(path);
  const MutexLock lock(mutex_);
  Fate fate = fate_of(DiskCall::kRemove, true, text);
  if (!fate.happens) return fate.status;
  if (names_.has_directory(name)) return failed(text, ErrorCode::kIo, "Is a directory");
  if (names_.find(name) == nullptr) return failed(text, ErrorCode::kNotFound);
  names_.remove(name);
  return fate.status;
}

Status SimulatedDisk::sync_directory(const std::string& directory) {
  const std::string text = "sync " + directory;
  const std::string name = SimulatedNames::normal(directory);
  const MutexLock lock(mutex_);
  Fate fate = fate_of(DiskCall::kSyncDirectory, true, text);
  if (!fate.happens) return fate.status;
  if (!names_.has_directory(name)) return failed(text, ErrorCode::kNotFound);
  names_.sync(name);
  return fate.status;
}

Result<std::unique_ptr<DirectoryLock>> SimulatedDisk::lock(const std::string& directory,
                                                           const std::string& name) {
  const std::string path = SimulatedNames::normal(directory + "/" + name);
  const std::string text = "lock " + path;
  const MutexLock guard(mutex_);
  Fate fate = fate_of(DiskCall::kLock, true, text);
  if (!fate.happens) return fate.status.error();
  if (!names_.has_directory(SimulatedNames::normal(directory))) {
    return failed(text, ErrorCode::kNotFound);
  }
  if (locks_.contains(path)) {
    return failed(text, ErrorCode::kUnavailable, "in use by this process");
  }
  if (names_.find(path) == nullptr) names_.create(path, std::make_shared<SimulatedContent>());
  if (!fate.status) return fate.status.error();
  locks_.insert(path);
  return std::unique_ptr<DirectoryLock>(std::make_unique<SimulatedLock>(*this, path, boot_));
}

}  // namespace durable_streams
