// One file, one test after another: the suite names streams by the clock and waits for some of them to expire.
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Vite looks its host up although it serves nothing here; a bare machine has no /etc/hosts to find localhost in.
  server: { host: "127.0.0.1" },
  test: {
    include: ["protocol.test.mjs"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    fileParallelism: false,
    slowTestThreshold: 10_000,
    reporters: ["default", "json"],
    outputFile: { json: "results.json" },
  },
});
