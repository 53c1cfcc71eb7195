/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { PostgresChannels } from '../../../src/ledger/postgres/channels.ts'
import { Lineages } from '../../../src/ledger/postgres/lineages.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { memoryBench } from './workbench.ts'

const KEY = { network: 'n', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
const ABOUT = { payer: '0xp', url: 'https://a.example/', offer: '{}', decimals: 6, currency: 'USD' }

function process() {
  const bench = memoryBench()
  const { store, clock, compose, terms } = bench
  const reading = readingFrom(store)
  const batch = new Batch({ store, clock, compose })
  const channels = () => new PostgresChannels({ reading, batch, clock, lineages: new Lineages(reading, terms), runId: () => store.runId })
  return { ...bench, channels }
}

describe('channels with others who write', () => {
  it('lock the sessions before the channel where budgets move, and for a voucher the channel alone', async () => {
    const bench = process()
    const [parent, channels] = [await bench.open(), bench.channels()]
    const { id: sessionId } = await bench.open({ parent: parent.id })
    const channel = await channels.open({ ...KEY, ...ABOUT, sessionId, id: '0x1', salt: '0x2' })
    const told = await channels.tell('0x1', channel.version, { state: 'closing' })
    await channels.close('0x1', { version: told?.version ?? 0, returned: 0n, transaction: null, block: 1n })
    const locked = bench.store.logged('begin').slice(-3)
    const sessions = `[session ${sessionId}, session ${parent.id}, channel 0x1]`
    expect(locked.map((line) => line.replace(/^begin \d /, ''))).toEqual([sessions, '[channel 0x1]', sessions])
  })

  it('are closed once their session has ended, by one process, however many look', async () => {
    const bench = process()
    const [one, other] = [bench.channels(), bench.channels()]
    for (const id of ['0x1', '0x2', '0x3']) {
      const { id: sessionId } = await bench.open()
      await one.open({ ...KEY, ...ABOUT, sessionId, id, salt: id })
    }
    expect(await one.claimClosing(9)).toEqual([])
    bench.clock.advance(3_600_000)
    const claimed = await Promise.all([one.claimClosing(2), other.claimClosing(2)])
    const ids = claimed.flat().map(({ id }) => id)
    expect(ids.sort()).toEqual(['0x1', '0x2', '0x3'])
    expect(await one.claimClosing(9)).toEqual([])
  })
})
