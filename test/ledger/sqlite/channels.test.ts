/** What every store does is in the conformance suite; here is what only this one has to. */
import { expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { SqliteChannels } from '../../../src/ledger/sqlite/channels.ts'
import { workbench } from './workbench.ts'

it('a channel is told of when it is on the disk, and looking for those that close opens no transaction where there are none', async () => {
  const bench = workbench()
  const { id: sessionId } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const ends: (() => void)[] = []
  const schedule = (run: () => void) => {
    ends.push(run)
    return () => undefined
  }
  const ignore = () => undefined
  const { db, clock, channeling, tables } = bench
  const batch = new Batch({ db, clock, onCommit: ignore, onFault: ignore, schedule, pending: tables.pending })
  const channels = new SqliteChannels({ db, clock, batch, channeling, rows: tables.channels })
  expect(await channels.claimClosing(9)).toEqual([])
  expect(ends).toEqual([])
  const key = { sessionId, network: 'n', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
  const about = { id: '0x1', payer: '0xp', salt: '0x2', url: 'https://a.example/', offer: '{}', decimals: 6, currency: 'USD' }
  const heard: string[] = []
  const opening = channels.open({ ...key, ...about }).then(({ state }) => heard.push(state))
  await new Promise((resolve) => setImmediate(resolve))
  expect(heard).toEqual([])
  for (const end of ends.splice(0)) end()
  await opening
  expect(heard).toEqual(['opening'])
})
