/** Options of a middleware in a fresh folder, which goes with the test. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Config, loadConfig } from '../../src/config/load.ts'

export const SESSION = { agent: 'researcher', cap: '5.00', ttl: '1h' } as const
export const QUIET = { logLevel: 'silent' } as const

export async function freshConfig(): Promise<Config> {
  const dataDir = await mkdtemp(join(tmpdir(), 'purser-middleware-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const config = await loadConfig({ env: {} })
  const key = { kind: 'file', path: join(dataDir, 'wallet.key') } as const
  return { ...config, dataDir, ledger: { kind: 'sqlite', file: join(dataDir, 'purser.db') }, wallet: { kind: 'local', key } }
}
