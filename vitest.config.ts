import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'

/** One plain line at the end, for whoever reads a log without colours. */
const closingLine: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], errors) {
    const count = (state: 'passed' | 'failed' | 'skipped') =>
      modules.reduce((sum, module) => sum + [...module.children.allTests(state)].length, 0)
    const broken = errors.length + modules.filter((module) => module.errors().length > 0).length
    process.stdout.write(`\n${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped\n`)
  },
}

/** Tests start the real program hundreds of times: it is compiled once. */
const COMPILED = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', closingLine],
    pool: 'forks',
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE: COMPILED },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
