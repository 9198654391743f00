// Counts what the suite's run left in its results file. A test that was skipped counts as failed, unless it is of the
// subscriptions, which the suite leaves out unless it is told that the server has them.
import { existsSync, readFileSync } from "node:fs";

const file = process.argv[2];
if (!existsSync(file)) {
  console.log("the suite left no results");
  process.exit(1);
}
const results = JSON.parse(readFileSync(file, "utf8"));
const tests = results.testResults.flatMap((result) => result.assertionResults);
const counted = tests.filter(
  (test) => test.status === "passed" || test.ancestorTitles[0] !== "Reserved subscription APIs",
);
const passed = counted.filter((test) => test.status === "passed").length;
console.log(`conformance: ${passed} passed, ${counted.length - passed} failed`);
process.exit(passed === counted.length && passed > 0 ? 0 : 1);
