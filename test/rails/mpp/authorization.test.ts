import { Challenge, Credential } from 'mppx'
import { Types } from 'mppx/evm'
import { describe, expect, it } from 'vitest'
import type { AuthorizeRequest } from '../../../src/rails/rail.ts'
import { onlyOffer, PAY_TO } from '../x402/challenges.ts'
import { EXPIRES_S, handmade, official, rail, read, SECRET, spelled, WINDOW, wallet } from './challenges.ts'

function requestFor(value: string, changes: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  const challenge = read(value)
  const offer = onlyOffer(challenge)
  const nonce = rail.nonceOf?.(offer)
  if (!nonce) throw new Error('no nonce')
  return { challenge, offer, nonce, ...WINDOW, walletName: null, ...changes }
}

const sign = (value: string, changes?: Partial<AuthorizeRequest>) => rail.authorize(requestFor(value, changes), wallet)

describe('an authorization', () => {
  it('is a credential that the official library reads, under the very challenge that it named', async () => {
    const [name, value = ''] = (await sign(spelled({ meta: { order: '7' } }))).headers
    const read = Credential.deserialize(value)
    expect(name).toBe('Authorization')
    expect(Challenge.verify(read.challenge, { secretKey: SECRET })).toBe(true)
    expect(read).toMatchObject({
      source: `did:pkh:eip155:84532:${await wallet.address(null)}`,
      payload: { type: 'authorization', to: PAY_TO, value: '10000', validAfter: '1799999400', validBefore: '1800000060' },
    })
  })

  it('has the nonce that the official library expects: the challenge’s', async () => {
    expect((await sign(spelled())).nonce).toBe(Types.challengeHash(official()))
    expect((await sign(spelled({ realm: 'a "quoted" \\ realm' }))).nonce).toBe(
      Types.challengeHash(official({ realm: 'a "quoted" \\ realm' })),
    )
  })

  it.each([
    [undefined, 'Authorization'],
    ['authorization', 'Authorization'],
    ['PAYMENT-AUTHORIZATION', 'Payment-Authorization'],
  ])('travels in the header that a server may name: %s', async (header, name) => {
    expect((await sign(handmade({ header }))).headers[0]).toBe(name)
  })

  it('G8: never outlives the challenge', async () => {
    expect((await sign(spelled(), { validBefore_s: EXPIRES_S })).validBefore_s).toBe(EXPIRES_S)
    await expect(sign(spelled(), { validBefore_s: EXPIRES_S + 1 })).rejects.toMatchObject({
      refusal: { code: 'internal_error', detail: 'The window is longer than the challenge’s. Nothing was signed.' },
    })
  })

  it('is signed with the challenge’s nonce or not at all', async () => {
    await expect(sign(spelled(), { nonce: `0x${'5e'.repeat(32)}` })).rejects.toMatchObject({
      refusal: { code: 'internal_error', detail: 'The nonce is not the challenge’s. Nothing was signed.' },
    })
  })

  it('G5: is for a challenge that was read here, and an offer that is one of it', async () => {
    const request = requestFor(spelled())
    const others = [
      { ...request, offer: { ...request.offer } },
      { ...request, challenge: { ...request.challenge } },
    ]
    for (const other of others) {
      await expect(rail.authorize(other, wallet)).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
    }
  })

  it('does not pay the wallet itself', async () => {
    const own = spelled({ request: { ...official().request, recipient: await wallet.address(null) } })
    await expect(sign(own)).rejects.toMatchObject({ refusal: { code: 'challenge_invalid' } })
  })
})
