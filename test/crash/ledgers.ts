/** What a configuration says for each ledger. Processes that share PostgreSQL share their keys, so these are given. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { openAuthority } from '../../src/proxy/authority.ts'
import { startPostgres } from '../postgres/server.ts'
import type { LaneOptions } from './lane.ts'

export type LedgerKind = 'sqlite' | 'postgres'

/** The part of a lane's options that is the ledger's own; what it needs ends with `started`. */
export async function ledgerOf(kind: LedgerKind, started: AsyncDisposableStack): Promise<Omit<LaneOptions, 'world'>> {
  if (kind === 'sqlite') return { ledger: {} }
  const server = started.use(await startPostgres())
  const { cert, key } = await makeAuthority(started)
  const names = ['NONCE', 'RECEIPT', 'ANSWER', 'TOKEN']
  const env = Object.fromEntries(names.map((name) => [`CRASH_${name}`, randomBytes(32).toString('hex')]))
  return {
    env: { ...env, CRASH_CA: key, CRASH_WALLET: `0x${randomBytes(32).toString('hex')}` },
    ledger: {
      ledger: await server.createDatabase(),
      wallet: { key: 'env:CRASH_WALLET' },
      keys: {
        ...Object.fromEntries(names.map((name) => [name.toLowerCase(), `env:CRASH_${name}`])),
        ca: { cert, key: 'env:CRASH_CA' },
      },
    },
  }
}

async function makeAuthority(started: AsyncDisposableStack): Promise<{ cert: string; key: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'purser-crash-ca-'))
  started.defer(() => rm(dataDir, { recursive: true, force: true }))
  const { certFile } = await openAuthority({ dataDir, clock: systemClock })
  return { cert: certFile, key: await readFile(join(dataDir, 'ca.key'), 'utf8') }
}
