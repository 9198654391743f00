// How the limit on open files is shared out, and how its end is told.
#include "server/descriptors.h"

#include <cstdint>

#include "server/net/complaint.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using std::chrono::milliseconds;

TEST_CASE("connections served and refused fit under the limit on open files together",
          "[server][net]") {
  const Limits wanted;
  const Limits plenty = fit_to_open_files(wanted, 1'000'000, 2);
  CHECK(plenty.connections_max == wanted.connections_max);
  CHECK(plenty.refused_connections_max == wanted.refused_connections_max);
  for (const std::size_t open_files : {2, 10, 40, 100, 256, 1024, 65'536}) {
    for (const std::size_t loops : {1, 2, 64}) {
      CAPTURE(open_files, loops);
      const Limits fitting = fit_to_open_files(wanted, open_files, loops);
      CHECK(fitting.connections_max >= 1);
      CHECK(fitting.connections_max + fitting.refused_connections_max <= open_files);
      if (open_files < 1024) continue;
      CHECK(fitting.refused_connections_max == wanted.refused_connections_max);
      CHECK(fitting.connections_max + fitting.refused_connections_max + 64 + 3 * loops <=
            open_files);
    }
  }
  CHECK(fit_to_open_files(wanted, SIZE_MAX, 2).connections_max == wanted.connections_max);
}

TEST_CASE("what goes wrong again and again is said once, then counted", "[server][net]") {
  Complaint complaint;
  const milliseconds begin{1'000};
  CHECK(complaint.again(begin) == 1);
  for (int i = 0; i < 100; ++i) CHECK(complaint.again(begin + milliseconds{i}) == 0);
  CHECK(complaint.again(begin + Complaint::kInterval - milliseconds{1}) == 0);
  CHECK(complaint.again(begin + Complaint::kInterval) == 102);
  CHECK(complaint.again(begin + Complaint::kInterval) == 0);
  CHECK(complaint.again(begin + 3 * Complaint::kInterval) == 2);
  CHECK(complaint.again(begin + 5 * Complaint::kInterval) == 1);
}

}  // namespace
}  // namespace durable_streams::server
