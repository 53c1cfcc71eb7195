import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { randomIds, systemClock } from '../../src/clock.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { MAIN } from '../program.ts'
import { runHere, startPurser, writeConfig } from './running-purser.ts'

const run = promisify(execFile)

describe('backup', () => {
  it('copies the ledger of a Purser that runs, which goes on; put back, the copy is known as older', async () => {
    await using purser = await startPurser({ retention: { after: '90d', folder: './archive' } })
    const open = ['session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '1', '--ttl', '1h'] as const
    const first = await purser.json(...open)
    const target = join(purser.folder, 'copy.db')
    // In a process of its own, as people run it: the one that owns the ledger must not open its file again.
    const { stdout, stderr } = await run(process.execPath, [MAIN, 'backup', target, '--config', purser.configFile])
    expect(stdout).toMatch(/^Wrote [0-9]+ bytes to .*copy\.db: ledger led_\S+ as of commit [0-9]+\. Keys are not in it\.\n$/)
    expect(stderr).toContain('start with --accept-restored-ledger')
    expect(stderr).toContain(`The archive is not in it: copy ${join(purser.folder, 'archive')} now, after the ledger.`)
    expect((await purser.json(...open)).state).toBe('open')
    const options = { file: target, clock: systemClock, ids: randomIds, runId: 'run_copy' }
    await using restored = await openSqliteLedger({ ...options, mark: join(purser.folder, 'data', 'purser.db.mark') })
    expect((await restored.sessions({ limit: 10 })).items.map(({ id }) => id)).toContain(first.id)
    expect((await restored.readiness())[0]).toContain('older copy')
  }, 60_000)

  it('does not end while it waits for the file to stand still', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../src/cli/backup.ts'))
    const script = `const { patience } = await import(${module}); await patience(1, new AbortController().signal); console.log('waited')`
    expect((await run(process.execPath, ['--input-type=module', '-e', script])).stdout).toBe('waited\n')
  }, 60_000)

  it('of a ledger in PostgreSQL says what to use instead', async () => {
    const key = 'env:KEY'
    const { folder, configFile } = await writeConfig({
      ledger: 'postgres://purser@127.0.0.1/purser',
      keys: { nonce: key, receipt: key, answer: key, token: key, ca: { cert: 'ca.pem', key } },
      wallet: { kind: 'local', key },
    })
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { code, err } = await runHere(['backup', join(folder, 'copy.db'), '--config', configFile])
    expect([code, err]).toEqual([1, expect.stringContaining('The ledger is a PostgreSQL database, not a file.')])
    expect(err).toContain('base backup with archived WAL')
  })
})
