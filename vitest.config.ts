import { defineConfig } from 'vitest/config';

// Conformance and smoke tests arm kernel-wide facilities (audit, tracefs instances, seccomp) and measure time: two at
// once would see each other. So their files run one after another, and each project waits for the one before it.
const alone = (groupOrder: number) => ({ fileParallelism: false, maxWorkers: 1, sequence: { groupOrder } });

export default defineConfig({
  test: {
    // One process per file: the addon, ptrace and signal state belong to a process.
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.ts'],
          sequence: { groupOrder: 0 },
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['tests/conformance/**/*.test.ts'],
          ...alone(1),
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'smoke',
          include: ['tests/smoke/**/*.test.ts'],
          ...alone(2),
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
