import { describe, expect, it } from 'vitest'
import { chainVerifier } from '../../src/audit/chain.ts'
import { createCheckpointSigner } from '../../src/audit/checkpoint.ts'
import { readJsonl } from '../../src/audit/export.ts'
import { type Answer, buy, deny, expectProblem, type Fixture, gather, startFixture, unavailable } from './fixture.ts'

async function someReceipts(fixture: Fixture): Promise<string> {
  const { id: sessionId } = await fixture.open()
  await buy(fixture, { sessionId })
  await deny(fixture, { sessionId })
  await buy(fixture, { sessionId, end: 'unknown' })
  return sessionId
}

describe('receipts', () => {
  it('lists and shows the entries exactly as they are chained', async () => {
    await using fixture = await startFixture()
    const session = await someReceipts(fixture)
    const { items, next }: Answer = await (await fixture.ask(`/v1/receipts?session=${session}&limit=2`)).json()
    const kept = await fixture.ledger.receipts({ session }, { limit: 10 })
    expect(items).toEqual(kept.items.slice(0, 2))
    expect(next).not.toBeNull()
    expect(await (await fixture.ask(`/v1/receipts/${items[0].id}`)).json()).toEqual(kept.items[0])
  })

  it('filters by kind, payment and time, and refuses what it does not know', async () => {
    await using fixture = await startFixture()
    await someReceipts(fixture)
    const refusals: Answer = await (await fixture.ask('/v1/receipts?kind=refusal')).json()
    expect(refusals.items.map(({ kind }: { kind: string }) => kind)).toEqual(['refusal'])
    const none: Answer = await (await fixture.ask('/v1/receipts?until=2020-01-01')).json()
    expect(none).toEqual({ items: [], next: null })
    await expectProblem(await fixture.ask('/v1/receipts?format=xml'), 'request_invalid', 400)
    await expectProblem(await fixture.ask('/v1/receipts/rcp_none'), 'not_found', 404)
  })

  it('exports everything as JSON lines that verify offline', async () => {
    await using fixture = await startFixture()
    const session = await someReceipts(fixture)
    const answer = await fixture.ask('/v1/receipts?format=jsonl&limit=1')
    expect(answer.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="receipts.jsonl"')
    const receipts = await gather(readJsonl([await answer.text()]))
    expect(receipts).toEqual((await fixture.ledger.receipts({ session }, { limit: 100 })).items)
    const verifier = chainVerifier('newest_first')
    for (const receipt of receipts) verifier.add(receipt)
    expect(verifier.result()).toMatchObject({ ok: true, count: receipts.length })
  })

  it('exports CSV with a header line and one line for each receipt', async () => {
    await using fixture = await startFixture()
    await someReceipts(fixture)
    const answer = await fixture.ask('/v1/receipts?format=csv')
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const lines = (await answer.text()).trimEnd().split('\r\n')
    expect(lines[0]).toMatch(/^id,kind,number,/)
    expect(lines).toHaveLength(1 + (await fixture.ledger.receipts({}, { limit: 100 })).items.length)
  })

  it('an export that cannot start is a problem, one that fails midway is broken, never short', async () => {
    await using fixture = await startFixture()
    await someReceipts(fixture)
    const { receipts } = fixture.ledger
    fixture.ledger.receipts = async () => {
      throw unavailable()
    }
    await expectProblem(await fixture.ask('/v1/receipts?format=csv'), 'ledger_unavailable', 503)
    fixture.ledger.receipts = async (filter, page) => {
      if (page.cursor !== undefined) throw unavailable()
      return { ...(await receipts.call(fixture.ledger, filter, page)), next: 'more' }
    }
    const answer = await fixture.ask('/v1/receipts?format=csv')
    await expect(answer.text()).rejects.toThrow()
  })

  it('verify answers 200 with the verdict', async () => {
    await using fixture = await startFixture()
    await someReceipts(fixture)
    const answer = await fixture.ask('/v1/receipts/verify')
    const count = (await fixture.ledger.receipts({}, { limit: 100 })).items.length
    const whole = { ok: true, count, chains: 1, brokenAt: null, checkpoints: 0, sealed: null, unsealed: count }
    expect([answer.status, await answer.json()]).toEqual([200, whole])
    const brokenAt = { sessionId: 'ses_1', number: 2, id: 'rcp_2', why: 'its content does not match its hash' }
    const verdict = { ok: false, count: 2, chains: 1, brokenAt, checkpoints: 0, sealed: null, unsealed: 2 }
    fixture.ledger.verifyReceipts = async () => verdict
    const broken = await fixture.ask('/v1/receipts/verify')
    expect([broken.status, await broken.json()]).toEqual([200, verdict])
  })
})

describe('checkpoints', () => {
  const seal = async (fixture: Fixture): Promise<Answer> =>
    (await fixture.ask('/v1/receipts/checkpoints', { method: 'POST', body: {} })).json()

  it('are made when they are asked for, and again only once something was written', async () => {
    await using fixture = await startFixture()
    expect(await seal(fixture)).toEqual({ checkpoint: null })
    const session = await someReceipts(fixture)
    const [newest] = (await fixture.ledger.receipts({ session }, { limit: 1 })).items
    const { checkpoint } = await seal(fixture)
    expect(checkpoint).toMatchObject({ kind: 'checkpoint', number: 1, heads: [{ number: newest?.number, hash: newest?.hash }] })
    expect(await seal(fixture)).toEqual({ checkpoint })
    await someReceipts(fixture)
    expect((await seal(fixture)).checkpoint.number).toBe(2)
    const { publicKey } = fixture.deps.checkpointing
    expect(await (await fixture.ask('/v1/receipts/key')).json()).toEqual({ algorithm: 'Ed25519', publicKey })
    expect(checkpoint.publicKey).toBe(publicKey)
    expect(await (await fixture.ask('/v1/receipts/verify')).json()).toMatchObject({ ok: true, checkpoints: 2, sealed: { publicKey } })
  })

  it('are listed oldest first, in pages, and stream as JSON lines up to the one that is asked for', async () => {
    await using fixture = await startFixture()
    for (let turn = 0; turn < 3; turn++) {
      await someReceipts(fixture)
      await seal(fixture)
    }
    const first: Answer = await (await fixture.ask('/v1/receipts/checkpoints?limit=2')).json()
    expect([first.items.map(({ number }: Answer) => number), first.next]).toEqual([[1, 2], '2'])
    const second: Answer = await (await fixture.ask(`/v1/receipts/checkpoints?limit=2&cursor=${first.next}`)).json()
    expect([second.items.map(({ number }: Answer) => number), second.next]).toEqual([[3], null])
    const answer = await fixture.ask('/v1/receipts/checkpoints?format=jsonl&limit=1&until=2')
    expect(answer.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
    const lines = (await answer.text()).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(first.items)
    await expectProblem(await fixture.ask('/v1/receipts/checkpoints?limit=1000'), 'request_invalid', 400)
  })

  it('signed with another key than ours prove nothing', async () => {
    await using fixture = await startFixture()
    await someReceipts(fixture)
    await fixture.ledger.checkpoint(createCheckpointSigner(Buffer.alloc(32, 9)))
    expect(await (await fixture.ask('/v1/receipts/verify')).json()).toMatchObject({
      ok: false,
      brokenAt: { id: 'checkpoint', number: 1, why: 'it is signed with another key than this Purser’s' },
    })
  })

  it('are for every role to make and to read, and for nobody without a token', async () => {
    await using fixture = await startFixture()
    for (const token of await Promise.all((['operator', 'approver', 'auditor'] as const).map((role) => fixture.token(role)))) {
      for (const asked of [{ method: 'POST' as const, body: {}, token }, { token }]) {
        expect((await fixture.ask('/v1/receipts/checkpoints', asked)).status).toBe(200)
      }
    }
    await expectProblem(await fixture.ask('/v1/receipts/key', { token: null }), 'unauthorized', 401)
  })
})
