import { defineConfig } from "vitest/config";

/** Tests run real programs on slow machines: no test may hang, but none is measured either. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The default leaves one processor idle; of two that is half.
    maxWorkers: "100%",
    reporters: ["default", "./test/support/skipped-reporter.ts"],
  },
});
