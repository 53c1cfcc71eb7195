import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import type { Receipt, ReceiptBody } from '../../src/audit/receipt.ts'
import { runProgram } from '../../src/cli/program.ts'
import { capturedTerminal } from './captured-terminal.ts'

const nothing = { challenged: null, decided: null, reserved: null, signed: null, sent: null, concluded: null, delivered: null }
const absent = {
  ...{ code: null, tool: null, task: null, user: null, justification: null, wouldBe: null, trust: null, amount: null, currency: null },
  ...{ amountAtomic: null, asset: null, network: null, rail: null, scheme: null, payer: null, recipient: null, nonce: null },
  ...{ validBefore: null, signature: null, signatureDigest: null, transaction: null, settlement: null, delivery: null },
}

function body(id: string, sessionId: string): Omit<ReceiptBody, 'number' | 'previousHash'> {
  const names = { id, kind: 'refusal' as const, at: '2026-06-27T12:00:00.000Z', sessionId, paymentId: `pay_${id}`, paymentRequestId: 'req' }
  const verdict = { state: 'denied', agent: 'a', tier: '', rule: 'default', reason: 'no', policyVersion: 'v', categories: [] }
  return {
    ...absent,
    ...names,
    ...verdict,
    resource: 'https://x/',
    method: 'GET',
    challengeDigest: '00',
    times: nothing,
    delivered: false,
    count: 1,
  }
}

function chain(sessionId: string, count: number): Receipt[] {
  const entries: Receipt[] = []
  for (let at = 1; at <= count; at++) entries.push(link(entries.at(-1) ?? EMPTY_CHAIN, body(`rec_${at}`, sessionId)).receipt)
  return entries
}

async function verify(text: string, ...flags: string[]) {
  const path = join(await mkdtemp(join(tmpdir(), 'purser-receipts-')), 'receipts.jsonl')
  await writeFile(path, text)
  const terminal = capturedTerminal()
  const code = await runProgram(['receipts', 'verify', path, ...flags], terminal)
  return { code, out: terminal.stdout(), err: terminal.stderr() }
}

const lines = (entries: readonly Receipt[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')

describe('receipts verify FILE', () => {
  it('a whole export holds, offline, in either order and with sessions interleaved', async () => {
    const [a, b] = [chain('ses_a', 3), chain('ses_b', 2)]
    for (const entries of [[...a, ...b], [...a, ...b].reverse()]) {
      expect(await verify(lines(entries))).toMatchObject({
        code: 0,
        out: expect.stringContaining('5 receipts in 2 sessions; every chain holds.'),
      })
    }
  })

  it('a changed value is found and named', async () => {
    const entries = chain('ses_a', 3).map((entry, at) => (at === 1 ? { ...entry, reason: 'yes' } : entry))
    const { code, out } = await verify(lines(entries), '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      brokenAt: { sessionId: 'ses_a', number: 2, why: 'its content does not match its hash' },
    })
  })

  it('a dropped entry is found in either order', async () => {
    const entries = chain('ses_a', 4).filter(({ number }) => number !== 3)
    for (const order of [entries, entries.toReversed()])
      expect(await verify(lines(order))).toMatchObject({ code: 1, out: expect.stringContaining('broken') })
  })

  it('a file that is no export is refused with its name', async () => {
    const { code, err } = await verify('{"a":1}\n')
    expect(code).toBe(1)
    expect(err).toContain('cannot be read as an export of receipts')
    expect(err).toContain('receipts export --format jsonl')
  })

  it('a file that is not there is refused', async () => {
    const terminal = capturedTerminal()
    expect(await runProgram(['receipts', 'verify', '/nowhere.jsonl'], terminal)).toBe(1)
    expect(terminal.stderr()).toContain('/nowhere.jsonl')
  })
})
