// Runs the protocol's official suite against the server at STREAMS_URL, which the caller started with a long-poll
// timeout of STREAMS_LONG_POLL_TIMEOUT_MS: the suite waits that long where a long-poll must end empty.
import { runConformanceTests } from "@durable-streams/server-conformance-tests";

const { STREAMS_URL, STREAMS_LONG_POLL_TIMEOUT_MS } = process.env;
if (!STREAMS_URL || !STREAMS_LONG_POLL_TIMEOUT_MS) {
  throw new Error("start the suite through scripts/conformance");
}

runConformanceTests({
  baseUrl: STREAMS_URL,
  longPollTimeoutMs: Number(STREAMS_LONG_POLL_TIMEOUT_MS),
});
