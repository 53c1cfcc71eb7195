/** Workers put together over an opened house: the primary's side. `worker.ts` is the other. */
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Config } from './config/load.ts'
import type { House, HouseOptions } from './house.ts'
import type { MetricValues } from './telemetry/merged.ts'
import { openTeam } from './workers/team.ts'

/** Stands beside this file, in `src/` as in `dist/`. */
const MAIN = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js', import.meta.url))
const SECRET_BYTES = 32

export interface Workers {
  /** Where agents reach the proxy. */
  readonly url: string
  /** Starts them; resolves when all serve. @throws Error where one cannot */
  begin(adminUrl: string): Promise<void>
  /** Resolves where they die again and again. */
  readonly failed: Promise<Error>
  /** Why nobody can pay, or not everybody. */
  reasons(): Promise<readonly string[]>
  /** What they have counted, those that are gone too. */
  counted(): Promise<readonly (readonly MetricValues[])[]>
  drain(): Promise<void>
}

/** How many processes serve agents; 1: this one. */
export function workersOf({ proxy }: Pick<Config, 'proxy'>): number {
  return proxy.workers === 'auto' ? availableParallelism() : proxy.workers
}

/** Takes the proxy's port. `started` ends the workers. @throws the listener's own error */
export async function openWorkers(house: House, { acceptRestored = false }: HouseOptions, started: AsyncDisposableStack): Promise<Workers> {
  const { config, env, clock, ids, telemetry, ledger, doors } = house
  const shared = house.shared ? { shared: house.shared } : {}
  const writeLog = (lines: string) => house.logLines.write(lines)
  const team = started.use(
    await openTeam({
      ...{ workers: workersOf(config), listen: config.proxy.listen, main: MAIN, ledger, clock, ids, writeLog, events: telemetry.events },
      ...shared,
    }),
  )
  const { host, port } = team.address
  const ticketSecret = randomBytes(SECRET_BYTES)
  return {
    url: `${config.proxy.serverTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    begin: (adminUrl) => team.begin({ config, env, acceptRestored, doors: [...doors], adminUrl, ticketSecret }),
    failed: team.failed,
    async reasons() {
      const statuses = await team.statuses()
      const own = new Set(statuses.flatMap(({ reasons }) => reasons))
      return team.up === 0 ? ['No worker is up.'] : [...own]
    },
    counted: async () => [...(await team.statuses()).map(({ metrics }) => metrics), team.past],
    drain: () => team.drain(),
  }
}
