import { describe, expect, it } from 'vitest'
import { withAlternatives } from '../../src/payment/alternatives.ts'
import { openCase } from '../../src/payment/case.ts'
import { judge } from '../../src/payment/judge.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import type { UnpaidAnswer } from '../../src/session/exchange.ts'
import { ASKING, type Governed, startGoverned, TELLING } from './governed.ts'
import { offering } from './offers.ts'
import { challenge, NETWORK, RULES } from './rig.ts'

const DENIED = { code: 'approval_denied', detail: 'A person refused this payment.' } as const

async function alternatives(rig: Governed, unpaid: UnpaidAnswer = challenge()) {
  const request = rig.request()
  const opened = openCase(rig.deps, request, unpaid)
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, rig.session)
  if ('code' in quote) throw new Error(quote.detail)
  const judged = await judge({ ...opened.case, body: await request.body() }, quote)
  return withAlternatives(judged.matter, DENIED)
}

describe('what an agent may do instead', () => {
  it('names the most that a tier pays the same recipient without asking, and keeps it on record', async () => {
    await using rig = await startGoverned(ASKING)
    const { refusal, matter } = await alternatives(rig)
    expect(refusal.nextAction).toBe('Do not wait for this payment. Up to $0.0005 at api.example.com is paid by tier free without asking.')
    expect(matter.alternatives).toEqual(['Up to $0.0005 at api.example.com is paid by tier free without asking.'])
  })

  it('names hosts that the operator lists for the same category, and no others', async () => {
    const categories = [
      { host: 'api.example.com', category: 'api_calls' },
      { host: 'other.example.com', path: '/v1', category: 'api_calls' },
      { host: 'unlisted.test', category: 'api_calls' },
      { host: 'casino.example.com', category: 'gambling' },
    ]
    const recipients = {
      verified: [{ host: 'api.example.com' }, { host: 'other.example.com' }, { host: 'casino.example.com' }],
      blocked: [],
    }
    await using rig = await startGoverned(TELLING, { policy: { rules: { ...RULES, categories, recipients } } })
    expect((await alternatives(rig)).matter.alternatives).toEqual(['other.example.com/v1 is listed for api_calls too.'])
  })

  it('names another offer of the same challenge that would pass', async () => {
    await using rig = await startGoverned(ASKING)
    const opened = openCase(rig.deps, rig.request(), offering([{ amount: '1000' }, { amount: '400' }]))
    if (opened.kind !== 'challenge') throw new Error('no challenge')
    const { challenge: both } = opened.case
    const dear = chooseOffer({ ...both, offers: both.offers.slice(0, 1) }, rig.session)
    if ('code' in dear) throw new Error(dear.detail)
    const { matter } = await withAlternatives({ ...opened.case, quote: dear }, DENIED)
    expect(matter.alternatives?.[0]).toBe(`The same challenge offers it for $0.0004 on ${NETWORK}, which tier free pays without asking.`)
  })

  it('leaves the refusal as it is where there is none', async () => {
    await using rig = await startGoverned(TELLING)
    const { refusal, matter } = await alternatives(rig)
    expect(refusal).toBe(DENIED)
    expect(matter.alternatives).toBeUndefined()
  })
})
