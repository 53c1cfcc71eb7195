import { describe, expect, it } from 'vitest'
import { openCase } from '../../src/payment/case.ts'
import { judge } from '../../src/payment/judge.ts'
import { shownOf } from '../../src/payment/shown.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import type { UnpaidAnswer } from '../../src/session/exchange.ts'
import { ASKING, type Governed, startGoverned } from './governed.ts'
import { offering } from './offers.ts'
import { challenge, NETWORK, PAY_TO } from './rig.ts'

async function shown(rig: Governed, unpaid: UnpaidAnswer = challenge()) {
  const request = rig.request({ hints: { payNever: false, tool: 'web', task: 'report 7', justification: 'needed' } })
  const opened = openCase(rig.deps, request, unpaid)
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, rig.session)
  if ('code' in quote) throw new Error(quote.detail)
  const judged = await judge({ ...opened.case, body: await request.body() }, quote)
  if (judged.kind !== 'allowed') throw new Error('it was refused')
  return shownOf(judged)
}

const describing = (description: string) => offering([{ amount: '1000' }], description)

describe('what people are shown', () => {
  it('is what would be signed, what the policy says, what the agent says, and what is left', async () => {
    await using rig = await startGoverned(ASKING)
    expect(await shown(rig)).toMatchObject({
      ...{ method: 'GET', url: 'https://api.example.com/weather', host: 'api.example.com', rail: 'x402', scheme: 'exact' },
      ...{ flow: 'authorization', network: NETWORK, amountAtomic: 1_000n, amount: 1_000n, currency: 'USD', payTo: PAY_TO },
      ...{ asset: { symbol: 'USDC', decimals: 6 }, purpose: 'test', owner: 'ops', justification: 'needed', tool: 'web', task: 'report 7' },
      ...{ categories: ['api_calls'], trust: 'verified', tier: 'asking', policyVersion: 'v1', remaining: 1_000_000n },
    })
  })

  it('has the server’s words apart, cleaned, and null where there are none', async () => {
    await using rig = await startGoverned(ASKING)
    const { untrusted, reason } = await shown(rig, describing('cheap\u202e data\u001b[2J, <b>approved</b>'))
    expect(untrusted).toBe('cheap data, <b>approved</b>')
    expect(reason).not.toContain('cheap')
    expect((await shown(rig, describing('\u200b'))).untrusted).toBeNull()
  })
})
