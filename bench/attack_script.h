// What hostile clients of each kind send, and how a server is to answer them (docs/limits.md).
#pragma once

#include "bench/nanos.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::bench {

// What one client does. Connections take the cases of a script in turn.
struct AttackCase {
  enum class After { kReads, kNeverReads, kEndsItsSide, kLeaves, kResets };

  std::string name;
  std::string opening = {};  // sent at once
  std::string more = {};     // sent again and again behind it
  Nanos pause = 0;           // between two of these; 0: whenever the server takes more
  After after = After::kReads;
  bool raw = false;  // bytes of TLS's place: also where the target speaks TLS they go as they are
  // One of these, and then the end. None: the connection ends unanswered.
  std::vector<int> answers = {};
  bool at_once = false;  // the answer does not wait for a timeout
  bool drops = false;    // what comes back is not looked at: it is no HTTP
};

struct AttackScript {
  std::vector<AttackCase> cases;
  bool grows = false;  // the stream is appended to meanwhile
};

// The stream of which all of them speak.
std::string attacked_path(const Target& target);

// Of an unknown kind it is an error, which names those that there are.
Result<AttackScript> attack_script(std::string_view kind, const Target& target);

}  // namespace durable_streams::bench
