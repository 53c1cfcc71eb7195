import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type Reporter, type TestModule, type TestSpecification } from 'vitest/node'

/** One plain line at the end, for whoever reads a log without colours. */
const closingLine: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], errors) {
    const count = (state: 'passed' | 'failed' | 'skipped') =>
      modules.reduce((sum, module) => sum + [...module.children.allTests(state)].length, 0)
    const broken = errors.length + modules.filter((module) => module.errors().length > 0).length
    process.stdout.write(`\n${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped\n`)
  },
}

/**
 * Longest first, as measured: none of them is what all others have to wait for in the end. The chaos histories come first
 * because they take what time the processors have left beside the tests that wait (see test/chaos/run.ts).
 */
const LONGEST = [
  'chaos/chaos',
  'crash/crash',
  'e2e/governance',
  'e2e/console',
  'e2e/console-pages',
  'deploy/image',
  'conformance/ledger-postgres',
  'e2e/channels-killed',
  'e2e/funded-crash',
  'e2e/funded',
  'e2e/channels',
  'e2e/channels-meddled',
  'e2e/ambiguous',
  'conformance/rails',
  'docs',
  'e2e/package',
  'e2e/failover',
  'e2e/clients',
  'e2e/approvals',
  'e2e/aborts',
  'faults/disk',
  'e2e/caps',
  'e2e/replicas',
  'linear/postgres',
]

function filesOf(folder: string): string {
  return `test/${folder}/**/*.test.ts`
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
      if (at !== -1) return at
      return LONGEST.length + (project.config.isolate ? 0 : 1)
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}

/** What starts whole worlds: real programs, databases, chains, browsers. Each file has a process of its own. */
const WORLDS = ['chaos', 'conformance', 'crash', 'deploy', 'e2e', 'faults', 'linear', 'postgres', 'testnet']

/** The small files of a room follow each other in one process, so that zod and viem are not read in anew by each. */
const ROOMS = readdirSync(new URL('test', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !WORLDS.includes(entry.name))
  .map(({ name }) => name)

/** Tests start the real program hundreds of times: it is compiled once. */
const COMPILED = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

export default defineConfig({
  test: {
    reporters: ['default', closingLine],
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: 'test/program.ts',
    setupFiles: 'test/patience.ts',
    expect: { poll: { timeout: 20_000 } },
    sequence: { sequencer: LongestFirst },
    env: { NODE_COMPILE_CACHE: COMPILED },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    unstubEnvs: true,
    projects: [
      { extends: true, test: { name: 'worlds', include: ['test/*.test.ts', ...WORLDS.map(filesOf)] } },
      ...ROOMS.map((room) => ({ extends: true as const, test: { name: room, include: [filesOf(room)], isolate: false } })),
    ],
  },
})
