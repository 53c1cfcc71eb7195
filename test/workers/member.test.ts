import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { Member } from '../../src/workers/member.ts'
import { STUB } from './team-rig.ts'

async function member(main = STUB): Promise<Member> {
  const start = {
    ...{ number: 1, config: await loadConfig({ env: {} }), env: {}, acceptRestored: false, doors: [], adminUrl: '' },
    ...{ proxy: { host: '127.0.0.1', port: 1 }, ticketSecret: Buffer.alloc(32) },
  }
  return new Member({ start, main, run: 'run_1', writeLog: () => undefined })
}

describe('a worker, as its primary sees it', () => {
  it('is up from its word on until its end, and says how it ended', async () => {
    const worker = await member()
    expect(worker.isUp).toBe(false)
    await worker.ready()
    expect(worker.isUp).toBe(true)
    await worker.kill()
    expect([worker.isUp, await worker.ended]).toEqual([false, 'SIGKILL'])
    expect(await worker.status()).toEqual({ metrics: [], reasons: [] })
  })

  it('that ends before it serves is no worker', async () => {
    const worker = await member('/nowhere/main.js')
    await expect(worker.ready()).rejects.toThrow('Worker 1 ended before it served (exit code 1).')
  })
})
