// Findings go to standard output, for they are what was asked for; why there are none goes to
// standard error.
#include "server/cli/store_commands.h"

#include <durable_streams/file_store_tools.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <new>
#include <ostream>
#include <string>

#include "server/admin/admin_client.h"
#include "server/admin/query.h"
#include "server/cli/exit_code.h"

namespace durable_streams::server {
namespace {

std::string_view word_for(FileStoreFinding::Kind kind) {
  switch (kind) {
    case FileStoreFinding::Kind::kDamage:
      return "damage";
    case FileStoreFinding::Kind::kRepaired:
      return "repaired";
    case FileStoreFinding::Kind::kNote:
      break;
  }
  return "note";
}

int missing_directory(std::string_view command, Terminal& terminal) {
  terminal.err << fmt::format(
      "durable-streams-server {}: which directory? Say --data-dir DIR\n"
      "Try 'durable-streams-server help {}'.\n",
      command, command);
  return kExitUsage;
}

int failed(std::string_view command, const Error& error, Terminal& terminal) {
  terminal.err << fmt::format("durable-streams-server {}: {}\n", command, error.message);
  return kExitFailed;
}

// `1234567 (1.2 MiB)`.
std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}", bytes);
  auto amount = static_cast<double>(bytes);
  std::string_view unit;
  for (const std::string_view each : {"KiB", "MiB", "GiB", "TiB"}) {
    if (amount < 1024) break;
    amount /= 1024;
    unit = each;
  }
  return fmt::format("{} ({:.1f} {})", bytes, amount, unit);
}

std::string amplification_text(const FileStoreSummary& summary) {
  if (summary.stored_bytes == 0) return "unknown, for nothing is settled";
  const std::uint64_t disk = summary.pack_bytes + summary.journal_bytes + summary.catalog_bytes;
  return fmt::format("{:.2f} bytes on disk for each byte stored",
                     static_cast<double>(disk) / static_cast<double>(summary.stored_bytes));
}

// Of the child that reads the catalog; no sanitizer's own status.
constexpr int kExitNoMemory = 75;

// Whether damaged pages of the catalog end whoever reads them, found out in a process of its own.
// Whatever else is wrong the check tells itself.
Result<bool> catalog_ends_its_reader(const std::string& directory) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    // LMDB's last words.
    if (const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0)
      dup2(nowhere, STDERR_FILENO);
    try {
      static_cast<void>(read_catalog(directory).ok());
    } catch (const std::bad_alloc&) {
      _exit(kExitNoMemory);
    }
    _exit(kExitDone);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) {
    if (WEXITSTATUS(status) == kExitNoMemory)
      return Error{ErrorCode::kIo, "there is not enough memory to read the catalog", {}};
    return WEXITSTATUS(status) != kExitDone;  // a sanitizer makes an exit of a fault
  }
  const int signal = WTERMSIG(status);
  if (signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT) return true;
  // Any other says nothing about the catalog.
  return Error{
      ErrorCode::kIo, fmt::format("reading the catalog was ended by signal {}", signal), {}};
}

}  // namespace

int run_fsck(const CommandOptions& options, std::string_view, Terminal& terminal) {
  if (options.data_dir.empty()) return missing_directory("fsck", terminal);
  const std::string& directory = options.data_dir;
  const Result<bool> catalog_is_lost = catalog_ends_its_reader(directory);
  if (!catalog_is_lost) return failed("fsck", catalog_is_lost.error(), terminal);
  const Result<FileStoreCheck> check = check_file_store(
      {.directory = directory, .repair = options.repair, .catalog_is_lost = *catalog_is_lost},
      [&terminal](const FileStoreFinding& finding) {
        terminal.out << fmt::format("{}: {}\n", word_for(finding.kind), finding.text);
      });
  if (!check) return failed("fsck", check.error(), terminal);
  terminal.out << fmt::format(
      "{}: {}; {} streams with {} bytes in {} packs, {} changes in the journal\n", directory,
      check->damages == 0 ? "clean" : fmt::format("{} damaged", check->damages), check->streams,
      check->stored_bytes, check->packs, check->journal_changes);
  return check->damages == 0 ? kExitDone : kExitFailed;
}

int run_backup(const CommandOptions& options, std::string_view, Terminal& terminal) {
  if (options.data_dir.empty()) return missing_directory("backup", terminal);
  if (options.backup_to.empty()) {
    terminal.err << "durable-streams-server backup: where to? Say --to DIR\n"
                    "Try 'durable-streams-server help backup'.\n";
    return kExitUsage;
  }
  const std::string& directory = options.data_dir;
  // The server may have another working directory.
  std::error_code error;
  const std::string to = std::filesystem::absolute(options.backup_to, error).lexically_normal();
  if (error) return failed("backup", {ErrorCode::kIo, error.message(), {}}, terminal);
  Status done =
      tell_directory(directory, {.method = "POST", .target = "/backup?to=" + query_encoded(to)});
  if (!done && done.error().code == ErrorCode::kNotFound) done = back_up_file_store(directory, to);
  if (!done) return failed("backup", done.error(), terminal);
  terminal.out << fmt::format("{}: backed up to {}\n", directory, to);
  return kExitDone;
}

int run_stats(const CommandOptions& options, std::string_view, Terminal& terminal) {
  if (options.data_dir.empty()) return missing_directory("stats", terminal);
  const Result<FileStoreSummary> summary = summarize_file_store(options.data_dir);
  if (!summary) return failed("stats", summary.error(), terminal);
  terminal.out << fmt::format(
      "closed         {}\n"
      "streams        {}\n"
      "stored bytes   {}\n"
      "packs          {}\n"
      "  file bytes   {}\n"
      "  stream bytes {}\n"
      "  live bytes   {}\n"
      "journal        {} changes to settle, not counted above\n"
      "  bytes        {}\n"
      "  file bytes   {}\n"
      "catalog bytes  {}\n"
      "amplification  {}\n",
      summary->clean ? "in order" : "not in order: the next start replays the journal",
      summary->streams, bytes_text(summary->stored_bytes), summary->packs,
      bytes_text(summary->pack_bytes), bytes_text(summary->pack_stream_bytes),
      bytes_text(summary->pack_live_bytes), summary->journal_changes,
      bytes_text(summary->journal_bytes), bytes_text(summary->journal_file_bytes),
      bytes_text(summary->catalog_bytes), amplification_text(*summary));
  return kExitDone;
}

}  // namespace durable_streams::server
