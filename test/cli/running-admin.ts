/** The real admin API on a free port, over a ledger in the test's hand, and the real command line against it. */
import type { AdminDeps } from '../../src/admin/deps.ts'
import { startAdmin } from '../../src/admin/listen.ts'
import { runProgram } from '../../src/cli/program.ts'
import { randomIds, systemClock } from '../../src/clock.ts'
import { ADMIN_TOKEN, type Fixture, startFixture } from '../admin/fixture.ts'
import { capturedTerminal } from './captured-terminal.ts'
import type { Ran } from './running-purser.ts'

export interface RunningAdminApi extends AsyncDisposable {
  readonly fixture: Fixture
  /** With the token for everything. */
  run(...argv: string[]): Promise<Ran>
  runAs(token: string, ...argv: string[]): Promise<Ran>
  /** A command that goes on until it is stopped; what it has written so far. */
  watch(...argv: string[]): { out(): string; stop(): void; readonly code: Promise<number> }
}

export async function startAdminApi(more: Partial<AdminDeps> = {}): Promise<RunningAdminApi> {
  const fixture = await startFixture(more)
  const admin = await startAdmin({ app: async () => fixture.app, listen: { host: '127.0.0.1', port: 0 } })
  const terminalOf = (token: string) =>
    capturedTerminal({ PURSER_ADMIN_URL: admin.url, PURSER_ADMIN_TOKEN: token }, { clock: systemClock, ids: randomIds })
  const runAs = async (token: string, argv: readonly string[]) => {
    const terminal = terminalOf(token)
    const code = await runProgram(argv, terminal)
    return { code, out: terminal.stdout(), err: terminal.stderr() }
  }
  return {
    fixture,
    run: (...argv) => runAs(ADMIN_TOKEN, argv),
    runAs: (token, ...argv) => runAs(token, argv),
    watch: (...argv) => {
      const terminal = terminalOf(ADMIN_TOKEN)
      return { out: terminal.stdout, stop: () => terminal.signal('SIGINT'), code: runProgram(argv, terminal) }
    },
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]()
      await fixture[Symbol.asyncDispose]()
    },
  }
}
