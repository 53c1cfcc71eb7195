/** A team whose workers are stubs: what the primary does about them, without a program behind it. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { openTeam, type Team } from '../../src/workers/team.ts'
import { temporaryLedger } from '../ledger/temporary.ts'

export const STUB = join(import.meta.dirname, 'stub.ts')

export async function teamRig({ env = {}, workers = 2 }: { readonly env?: Record<string, string>; readonly workers?: number } = {}) {
  await using started = new AsyncDisposableStack()
  const bench = started.use(await temporaryLedger())
  const log: string[] = []
  const told: string[] = []
  let runs = 0
  const team = started.use(
    await openTeam({
      ...{ workers, main: STUB, listen: { host: '127.0.0.1', port: 0 }, ledger: bench.ledger, shared: bench.ledger },
      clock: bench.clock,
      ids: (prefix) => `${prefix} of ${++runs}`,
      writeLog: (lines) => log.push(lines),
      events: {
        warned: (sentence) => told.push(sentence),
        workerEnded: ({ worker, how }) => told.push(`${worker} ended by ${how}`),
        workersUp: (count) => told.push(`${count} up`),
      },
    }),
  )
  const config = await loadConfig({ env: {} })
  const start = { config, env, acceptRestored: false, doors: [], adminUrl: 'http://127.0.0.1:1', ticketSecret: Buffer.alloc(32) }
  const all = started.move()
  return { team, bench, log, told, begin: () => team.begin(start), [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** What a connection is answered; empty where it is broken off. */
export async function connectTo({ address }: Pick<Team, 'address'>): Promise<string> {
  const socket = connect(address.port, address.host)
  socket.on('error', () => undefined)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}
