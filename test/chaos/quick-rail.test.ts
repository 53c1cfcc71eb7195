import { describe, expect, it } from 'vitest'
import type { Challenge, Offer } from '../../src/rails/rail.ts'
import { challengeOf, type Version } from '../testnet/wire.ts'
import { tillOf } from './house.ts'
import { presentedIn } from './merchants.ts'

const URL = 'https://m0.example.com/root/u0'
const [REAL, QUICK] = [tillOf(0), tillOf(1)]

function headOf(version: Version, price = 3) {
  const terms = { amount: `${price}000000`, payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C', window_s: 60, resource: URL }
  const { status, headers, body } = challengeOf(version, terms)
  return { head: { status, headers }, body: Buffer.from(body) }
}

function challengeAt(till: typeof REAL, version: Version, price?: number): { readonly challenge: Challenge; readonly offer: Offer } {
  const { head, body } = headOf(version, price)
  const detected = till.rail.detect(head, body)
  const challenge = detected?.kind === 'challenge' ? detected.challenge : undefined
  const offer = challenge?.offers[0]
  if (!challenge || !offer) throw new Error('no challenge was found')
  return { challenge, offer }
}

async function authorizedAt(till: typeof REAL, version: Version, price?: number) {
  const [validAfter_s, validBefore_s] = [1_000, 2_000]
  const request = {
    ...challengeAt(till, version, price),
    nonce: `0x${'ab'.repeat(32)}`,
    validAfter_s,
    validBefore_s,
    walletName: null,
  } as const
  return till.rail.authorize(request, till.wallet)
}

describe('the quick rail', () => {
  it.each([1, 2] as const)('reads what the real one reads, in version %i, however often it is asked', (version) => {
    const real = challengeAt(REAL, version)
    expect(challengeAt(QUICK, version)).toEqual(real)
    expect(challengeAt(QUICK, version)).toEqual(real)
    expect(challengeAt(QUICK, version, 4).offer.amount).toBe(4_000_000n)
  })

  it.each([1, 2] as const)('authorizes to the unit what the real one authorizes, in version %i', async (version) => {
    const [real, quick] = [await authorizedAt(REAL, version), await authorizedAt(QUICK, version)]
    const { headers: realHeaders, signature, ...realFields } = real
    const { headers, signature: quickSignature, ...fields } = quick
    expect(fields).toEqual(realFields)
    expect(headers[0]).toBe(realHeaders[0])
    expect(presentedIn(headers, URL)).toEqual(presentedIn(realHeaders, URL))
    expect(quickSignature).toHaveLength(signature.length)
  })

  it('signs the same transfer alike and every other one otherwise', async () => {
    const [once, again, other] = [await authorizedAt(QUICK, 2), await authorizedAt(QUICK, 2), await authorizedAt(QUICK, 2, 4)]
    expect(again).toEqual(once)
    expect(other.signature).not.toBe(once.signature)
  })
})
