/**
 * The engine opened for one program: nothing listens, and every request without credentials belongs to its session. Standard
 * output is the program's, so the log goes to standard error.
 */
import type { Duplex } from 'node:stream'
import type { Config } from '../config/load.ts'
import { startEngine } from '../engine.ts'
import { refused } from '../errors.ts'
import { type House, type HouseOptions, openHouse } from '../house.ts'
import type { Session } from '../session/session.ts'
import { hashToken } from '../session/token.ts'
import type { Settled } from './options.ts'
import { createOversight, type Oversight } from './oversight.ts'

export interface Opened extends AsyncDisposable {
  /** A connection to the engine, as if to a proxy. */
  connect(): Duplex
  readonly oversight: Oversight
  readonly walletAddress: string
  readonly warnings: readonly string[]
  /** Why payments cannot be made now; empty when they can. */
  readiness(): Promise<readonly string[]>
  /** Concludes what was signed, then closes everything. */
  drain(): Promise<void>
}

/**
 * @throws SecretError, AuthorityError; PurserError `ledger_unavailable` where another process or another instance has the
 * ledger, `session_invalid` where no session has the token. Nothing stays open then.
 */
export async function openPaid({ config: written, budget }: Settled, options: HouseOptions = {}): Promise<Opened> {
  await using started = new AsyncDisposableStack()
  const config = budget.kind === 'terms' ? withSession(written, budget.spec) : written
  const house = await openHouse(config, { logDestination: process.stderr, ...options }, started)
  const session = budget.kind === 'token' ? { session: await sessionBy(house, budget.token) } : {}
  const engine = await startEngine(house, { listens: false, adminUrl: () => adminUrl(config), ...session }, started)
  const all = started.move()
  return {
    connect: () => engine.proxy.connect(),
    oversight: createOversight(engine.people.approvals),
    walletAddress: await house.wallet.address(null),
    warnings: config.warnings,
    readiness: async () => (await Promise.all(engine.readiness.map((reasons) => reasons()))).flat(),
    drain: async () => {
      await engine.drain()
      await all.disposeAsync()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

function withSession(config: Config, defaultSession: Config['proxy']['defaultSession']): Config {
  return { ...config, proxy: { ...config.proxy, authenticate: false, defaultSession } }
}

/** Looked at for every request, so that what operators do to it is seen at once. */
async function sessionBy({ ledger }: Pick<House, 'ledger'>, token: string): Promise<() => Promise<Session>> {
  const found = await ledger.sessionByToken(hashToken(token))
  if (!found) throw refused('session_invalid', 'No session of this ledger has the token that was given.')
  return async () => (await ledger.session(found.id)) ?? found
}

/** Nothing listens there because of us: it is where people look who run the admin door of the same ledger. */
function adminUrl({ approvals, admin }: Config): string {
  const { host, port } = admin.listen
  return approvals.pageUrl ?? `${admin.serverTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
