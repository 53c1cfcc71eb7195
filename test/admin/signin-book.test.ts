import { describe, expect, it } from 'vitest'
import { createSignIns, type Holder } from '../../src/admin/signin-book.ts'
import { MAX_SIGN_INS_OF_ONE, SIGN_IN_IDLE_MS, SIGN_IN_LIFETIME_MS } from '../../src/people-limits.ts'
import { countingIds, testClock } from '../clock.ts'

const anna: Holder = { kind: 'token', tokenHash: 'a' }
const ben: Holder = { kind: 'person', caller: { id: 'oidc:ben', person: 'ben', role: 'auditor' } }

function book() {
  const clock = testClock()
  return { clock, signIns: createSignIns({ clock, ids: countingIds() }) }
}

describe('signin-book', () => {
  it('finds who is signed in by the secret alone', () => {
    const { signIns, clock } = book()
    const { secret } = signIns.begin(anna)
    expect(signIns.find(secret, { renew: false })).toMatchObject({ holder: anna, expiresAt: clock.now() + SIGN_IN_IDLE_MS })
    expect(signIns.find(`${secret}x`, { renew: false })).toBeUndefined()
  })

  it('has a proof of its own, which the cookie does not tell', () => {
    const { signIns } = book()
    const [one, other] = [signIns.begin(anna), signIns.begin(anna)]
    const { isProof } = signIns.find(one.secret, { renew: false }) ?? {}
    expect([one.proof, one.secret, other.proof, ''].map((text) => isProof?.(text))).toEqual([true, false, false, false])
  })

  it('ends when nobody used it for long, and what does not renew it is no use', () => {
    const { signIns, clock } = book()
    const { secret } = signIns.begin(anna)
    clock.advance(SIGN_IN_IDLE_MS - 1)
    expect(signIns.find(secret, { renew: false })).toBeDefined()
    clock.advance(1)
    expect(signIns.find(secret, { renew: true })).toBeUndefined()
  })

  it('lasts longer while it is used, and never beyond its whole lifetime', () => {
    const { signIns, clock } = book()
    const begun = clock.now()
    const { secret } = signIns.begin(anna)
    while (clock.now() + SIGN_IN_IDLE_MS / 2 < begun + SIGN_IN_LIFETIME_MS) {
      clock.advance(SIGN_IN_IDLE_MS / 2)
      expect(signIns.find(secret, { renew: true })).toBeDefined()
    }
    expect(signIns.find(secret, { renew: true })?.expiresAt).toBe(begun + SIGN_IN_LIFETIME_MS)
    clock.advance(begun + SIGN_IN_LIFETIME_MS - clock.now())
    expect(signIns.find(secret, { renew: true })).toBeUndefined()
  })

  it('is over at once when it is ended', () => {
    const { signIns } = book()
    const { secret } = signIns.begin(anna)
    signIns.end(secret)
    expect(signIns.find(secret, { renew: true })).toBeUndefined()
  })

  it('one holder’s sign-ins push out their own oldest, and nobody else’s', () => {
    const { signIns } = book()
    const { secret: other } = signIns.begin(ben)
    const secrets = Array.from({ length: MAX_SIGN_INS_OF_ONE + 1 }, () => signIns.begin(anna).secret)
    const found = secrets.map((secret) => signIns.find(secret, { renew: false }) !== undefined)
    expect(found).toEqual([false, ...Array.from({ length: MAX_SIGN_INS_OF_ONE }, () => true)])
    expect(signIns.find(other, { renew: false })?.holder).toEqual(ben)
  })
})
