import { describe, expect, it } from 'vitest'
import { type Case, openCase } from '../../src/payment/case.ts'
import { digestOf } from '../../src/payment/digest.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import { challenge, PAY_TO, type Rig, startRig } from './rig.ts'

async function caseOf(
  rig: Rig,
  { request = {}, terms = {} }: { request?: Parameters<Rig['request']>[0]; terms?: Parameters<typeof challenge>[0] },
): Promise<Case> {
  const asked = rig.request(request)
  const opened = openCase(rig.deps, asked, challenge(terms))
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, asked.session)
  if ('code' in quote) throw new Error(quote.detail)
  return { ...opened.case, body: await asked.body(), quote }
}

describe('the digest of a case', () => {
  it('is the same for the same request and offer, whatever the server describes or how long its window is', async () => {
    await using rig = await startRig()
    const one = digestOf(await caseOf(rig, {}))
    expect(digestOf(await caseOf(rig, { terms: { window_s: 30 } }))).toBe(one)
    expect(digestOf(await caseOf(rig, { request: { exchangeId: 'exc_2', hints: { payNever: false, justification: 'other' } } }))).toBe(one)
  })

  it('R15: is another for every other session, method, URL, body, amount and recipient', async () => {
    await using rig = await startRig()
    const body = async () => ({ digest: 'other', bytes: 1, replayable: true, bound_bytes: 65_536 })
    const cases = [
      {},
      { request: { session: await rig.openSession() } },
      { request: { method: 'POST' } },
      { request: { url: 'https://api.example.com/weather?day=2' } },
      { request: { body } },
      { terms: { amount: '1001' } },
      { terms: { payTo: '0x1111111111111111111111111111111111111111' } },
    ]
    const digests = await Promise.all(cases.map(async (one) => digestOf(await caseOf(rig, one))))
    expect(new Set(digests).size).toBe(cases.length)
    expect(PAY_TO).not.toContain('1111')
  })

  it('is not made of what was not quoted', async () => {
    await using rig = await startRig()
    const { quote: _, ...unquoted } = await caseOf(rig, {})
    expect(() => digestOf(unquoted)).toThrow('quoted')
  })
})
