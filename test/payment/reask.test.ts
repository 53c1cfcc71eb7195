import { describe, expect, it } from 'vitest'
import { CHALLENGE_AGE_MS } from '../../src/limits.ts'
import { type Case, openCase } from '../../src/payment/case.ts'
import { digestOf } from '../../src/payment/digest.ts'
import { freshen } from '../../src/payment/reask.ts'
import { chooseOffer, type Quote } from '../../src/rails/quote.ts'
import type { UnpaidAnswer } from '../../src/session/exchange.ts'
import { offering } from './offers.ts'
import { challenge, type Rig, startRig } from './rig.ts'

async function standing(rig: Rig): Promise<{ readonly matter: Case & { readonly quote: Quote }; readonly quote: Quote }> {
  const request = rig.request()
  const opened = openCase(rig.deps, request, challenge())
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, rig.session)
  if ('code' in quote) throw new Error(quote.detail)
  return { matter: { ...opened.case, body: await request.body(), quote }, quote }
}

const never = () => Promise.reject(new Error('it was asked again'))
const giving = (unpaid: UnpaidAnswer | undefined) => async () => unpaid

describe('asking for a challenge again', () => {
  it('does not, while it is young', async () => {
    await using rig = await startRig()
    const { matter, quote } = await standing(rig)
    rig.advance(CHALLENGE_AGE_MS)
    expect(await freshen(matter, { quote, reask: never })).toEqual({ kind: 'fresh', matter, quote })
  })

  it('gives the fresh challenge with its own age, and the same digest for the same offer', async () => {
    await using rig = await startRig()
    const { matter, quote } = await standing(rig)
    rig.advance(CHALLENGE_AGE_MS + 1)
    const fresh = await freshen(matter, { quote, reask: giving(challenge({ window_s: 30 })) })
    if (fresh.kind !== 'fresh') throw new Error(fresh.refusal.detail)
    expect(fresh.matter.challenged_ms).toBe(CHALLENGE_AGE_MS + 1)
    expect(fresh.quote.offer.askedWindow_s).toBe(30)
    expect(fresh.matter.quote).toBe(fresh.quote)
    expect(digestOf(fresh.matter)).toBe(digestOf(matter))
  })

  it('gives another digest for another offer', async () => {
    await using rig = await startRig()
    const { matter, quote } = await standing(rig)
    rig.advance(CHALLENGE_AGE_MS + 1)
    const fresh = await freshen(matter, { quote, reask: giving(challenge({ amount: '999' })) })
    expect(fresh.kind === 'fresh' && digestOf(fresh.matter)).not.toBe(digestOf(matter))
  })

  it.each([
    ['no 402', undefined, 'challenge_invalid'],
    ['a 402 of something else', { status: 402, headers: [], body: Buffer.from('{}') }, 'challenge_invalid'],
    ['a broken challenge', { status: 402, headers: ['PAYMENT-REQUIRED', 'e30='], body: undefined }, 'challenge_invalid'],
    ['a network that is not ours', offering([{ amount: '1000', network: 'eip155:8453' }]), 'network_not_allowed'],
  ])('refuses where %s comes', async (_name, unpaid, code) => {
    await using rig = await startRig()
    const { matter, quote } = await standing(rig)
    rig.advance(CHALLENGE_AGE_MS + 1)
    expect(await freshen(matter, { quote, reask: giving(unpaid) })).toMatchObject({ kind: 'refused', refusal: { code } })
  })
})
