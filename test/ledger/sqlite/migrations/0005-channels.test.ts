import { expect, it } from 'vitest'
import { openedChannel } from '../../../../src/ledger/channel-account.ts'
import { ChannelRows } from '../../../../src/ledger/sqlite/channel-rows.ts'
import { workbench } from '../workbench.ts'

it('one channel of a kind at most is not closed, and no salt comes twice', () => {
  const bench = workbench()
  const { id: sessionId } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const key = { sessionId, network: 'n', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
  const about = { payer: '0xp', url: 'https://a.example/', offer: '{}', decimals: 6, currency: 'USD' }
  const rows = new ChannelRows(bench.db, () => true)
  const insert = (id: string, changes: object = {}) =>
    bench.write((tx) => rows.insert(tx, openedChannel({ ...key, ...about, id, salt: id, ...changes }, 1)))
  insert('0x1')
  expect(() => insert('0x2')).toThrow(/UNIQUE/)
  expect(() => insert('0x2', { receiver: '0xs', salt: '0x1' })).toThrow(/UNIQUE/)
  expect(() => insert('0x2', { receiver: '0xs', sessionId: 'ses_none' })).toThrow(/FOREIGN KEY/)
  bench.db.exec("UPDATE channels SET state = 'closed'")
  insert('0x2')
  expect(() => bench.db.exec("UPDATE channels SET state = 'gone'")).toThrow(/CHECK/)
})
