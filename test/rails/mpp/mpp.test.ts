import { describe, expect, it } from 'vitest'
import { createMppRail } from '../../../src/rails/mpp/mpp.ts'
import { knownAssets } from '../../../src/rails/x402/assets.ts'
import { railConformance } from '../../conformance/rail.ts'
import { challengeOf } from '../x402/challenges.ts'
import { handmade, headOf, REQUEST, rail, read, requesting, spelled } from './challenges.ts'

railConformance('mpp', {
  rail,
  payable: [
    { name: 'a challenge of the official library', head: headOf(spelled()), body: undefined },
    { name: 'a credential in a header of its own', head: headOf(spelled({ header: 'Payment-Authorization' })), body: Buffer.from('{}') },
    { name: 'another scheme beside it', head: headOf(`Bearer realm="x", ${spelled()}`), body: undefined },
    { name: 'a method beside it that cannot be paid', head: headOf(`${handmade({ method: 'tempo' })}, ${spelled()}`), body: undefined },
    { name: 'headers of their own', head: headOf(handmade({ method: 'stripe' }), spelled()), body: undefined },
  ],
  broken: [
    { name: 'a parameter twice', head: headOf(`${spelled()}, id="other"`), body: undefined },
    { name: 'a quote without an end', head: headOf(`${spelled()}, description="`), body: undefined },
    { name: 'a broken header beside a good one', head: headOf(spelled(), 'Payment id="'), body: undefined },
  ],
})

describe('a challenge', () => {
  it('is looked for in a 402 only', () => {
    for (const status of [200, 401, 403, 407]) expect(rail.detect({ ...headOf(spelled()), status }, undefined)).toBeUndefined()
  })

  it('lists what cannot be paid beside what can', () => {
    const { offers, rejected } = read(`${handmade({ method: 'tempo' })}, ${spelled()}, ${handmade({ intent: 'session' })}`)
    expect(offers.map(({ index }) => index)).toEqual([1])
    expect(rejected.map(({ index, code }) => [index, code])).toEqual([
      [0, 'scheme_not_supported'],
      [2, 'scheme_not_supported'],
    ])
  })

  it('without any network listed can never be paid', () => {
    const closed = createMppRail({ assets: knownAssets(), networks: [] })
    expect(challengeOf(closed.detect(headOf(spelled()), undefined))).toMatchObject({
      offers: [],
      rejected: [{ code: 'network_not_allowed' }],
    })
  })

  it('cannot be changed once it was read', () => {
    const challenge = read(spelled())
    for (const part of [challenge, challenge.offers, challenge.offers[0], challenge.rejected]) expect(Object.isFrozen(part)).toBe(true)
  })
})

describe('the digest', () => {
  it('stays where only names, times and free text differ', () => {
    const plain = read(handmade()).digest
    expect(read(handmade({ id: 'other', expires: '2028-01-01T00:00:00Z', description: 'x' })).digest).toBe(plain)
  })

  it.each([
    ['amount', { amount: '10001' }],
    ['recipient', { recipient: '0x857b06519E91e3A54538791bDbb0E22373e36b66' }],
  ])('changes with the %s', (_, change) => {
    expect(read(requesting({ ...REQUEST, ...change })).digest).not.toBe(read(handmade()).digest)
  })
})

it('no challenge stands for another one, so that none is paid ahead', () => {
  const [first, second] = ['1', '2'].map((id) => rail.recurring(read(handmade({ id }))).text)
  expect(first).not.toBe(second)
})
