/** What the records say of what has left is in the conformance suite; here is what the ledger for people is besides. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withArchive } from '../../../src/ledger/archive/records.ts'
import { temporaryLedger } from '../temporary.ts'

it('the ledger for people is the same one in all else, and without an archive in everything', async () => {
  await using bench = await temporaryLedger()
  const folder = await mkdtemp(join(tmpdir(), 'purser-archive-'))
  const records = withArchive(bench.ledger, folder)
  const session = await records.openSession(bench.make.session())
  expect(await bench.ledger.session(session.id)).toEqual(session)
  expect(records.approvals).toBe(bench.ledger.approvals)
  await records.refuse(bench.make.attempt(session.id), { code: 'session_expired', detail: 'It is over.' })
  const page = { limit: 10 }
  expect(await records.payments({}, page)).toEqual(await bench.ledger.payments({}, page))
  expect(await records.receipts({}, page)).toEqual(await bench.ledger.receipts({}, page))
  expect(await records.verifyReceipts()).toEqual(await bench.ledger.verifyReceipts())
  expect([await records.payment('pay_none'), await records.receipt('rcp_none')]).toEqual([undefined, undefined])
  await rm(folder, { recursive: true })
})
