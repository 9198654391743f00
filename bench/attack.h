// A crowd of hostile clients, kept at its size for as long as the attack lasts.
#pragma once

#include "bench/attack_options.h"
#include "bench/attack_script.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

#include <cstddef>
#include <map>
#include <string>

namespace durable_streams::bench {

struct AttackReport {
  std::string kind;
  std::size_t connects = 0;            // that were accepted
  std::size_t refused = 0;             // that were not
  std::map<int, std::size_t> answers;  // by status
  std::size_t ended = 0;               // by the server
  std::size_t ended_unanswered = 0;    // of these
  std::size_t open = 0;                // at the end of the attack
  std::size_t unexpected = 0;          // not answered as they are to be
  std::string first_complaint;         // of these

  // For people, then the line `result key=value...`.
  void print() const;
};

Result<AttackReport> run_attack(const AttackOptions& options, const Target& target);

}  // namespace durable_streams::bench
