import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createNonces } from '../../src/mandate/nonces.ts'
import { createMandateReader } from '../../src/mandate/sd-jwt.ts'
import { AUDIENCE, claimsAt, ISSUER, issue, keySet, newKey, present, withhold } from './issuer.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')
const NOW_S = NOW / 1000
const [issuer, agent, thief] = await Promise.all([newKey(), newKey(), newKey()])
const nonces = createNonces(new Uint8Array(32).fill(1))
const pinned = { issuer: ISSUER, keys: keySet(issuer), unsafeIgnoreReference: false }
const read = createMandateReader({ issuers: [pinned], audience: AUDIENCE, nonces })
const fresh = () => ({ nonce: nonces.issue('non_1', NOW).nonce, iat: NOW_S })
const bound = (changes: object = {}) => claimsAt(NOW, { cnf: { jwk: agent.jwk }, ...changes })
const why = async (text: string, now = NOW) => {
  const result = await read(text, now)
  return 'why' in result ? result.why : 'granted'
}
const NOT_SIGNED = 'it is not signed by a pinned key of its issuer, not valid now, or not proven to be its presenter’s'

describe('a mandate', () => {
  it('is what a pinned issuer signed, known by a digest of that', async () => {
    const text = await issue(issuer, claimsAt(NOW))
    const mandate = await read(text, NOW)
    expect(mandate).toMatchObject({ issuer: ISSUER, digest: expect.stringMatching(/^[0-9a-f]{64}$/), grant: { total: 6_000_000n } })
    expect(mandate).not.toHaveProperty('nonce')
  })

  it('is not what somebody else signed, in the issuer’s name or in their own', async () => {
    expect(await why(await issue(thief, claimsAt(NOW)))).toBe(NOT_SIGNED)
    expect(await why(await issue(thief, claimsAt(NOW, { iss: 'https://thief.example' })))).toContain('mandates.issuers')
  })

  it('is not what was changed after it was signed', async () => {
    const [head = '', , signature = ''] = (await issue(issuer, claimsAt(NOW))).split(/[.~]/)
    const richer = Buffer.from(JSON.stringify({ iss: ISSUER, ...claimsAt(NOW, { exp: NOW_S + 9_999 }) })).toString('base64url')
    expect(await why(`${head}.${richer}.${signature}~`)).toBe(NOT_SIGNED)
  })

  it('is refused before and after its time', async () => {
    const text = await issue(issuer, claimsAt(NOW))
    expect(await why(text, NOW + 3_631_000)).toBe(NOT_SIGNED)
    expect(await why(await issue(issuer, claimsAt(NOW, { nbf: NOW_S + 60 })))).toBe(NOT_SIGNED)
  })

  it('needs the proof that its presenter has the key that it names', async () => {
    const text = await issue(issuer, bound())
    expect(await why(text)).toContain('the proof that its presenter has it is missing')
    expect(await why(await present(text, agent, fresh()))).toBe('granted')
    expect(await why(await present(text, thief, fresh()))).toBe(NOT_SIGNED)
  })

  it('needs a proof for us, with a nonce of ours that is not over, and tells the nonce so that it is used once', async () => {
    const text = await issue(issuer, bound())
    expect(await why(await present(text, agent, { ...fresh(), aud: 'elsewhere' }))).toContain('not for purser')
    expect(await why(await present(text, agent, { ...fresh(), nonce: 'mine' }))).toContain('not one of ours')
    expect(await why(await present(text, agent, fresh()), NOW + 300_000)).toContain('not one of ours, or is over')
    expect(await why(await present(text, agent, { ...fresh(), iat: NOW_S + 31 }))).toContain('from the future')
    expect(await read(await present(text, agent, fresh()), NOW)).toMatchObject({
      nonce: { mark: expect.stringMatching(/^mandate-nonce:[0-9a-f]{64}$/), expiresAt: NOW + 300_000 },
    })
  })

  it('keeps a proof to the very mandate that it was made for', async () => {
    const [one, other] = [await issue(issuer, bound()), await issue(issuer, bound({ exp: NOW_S + 7_200 }))]
    const [, proof = ''] = (await present(one, agent, fresh())).split('~')
    expect(await why(other + proof)).toBe(NOT_SIGNED)
  })

  it('is refused where a constraint, or a claim, is withheld, and taken where an allowed payee is', async () => {
    const hidden = await issue(issuer, claimsAt(NOW), { constraints: { _sd: [0, 1, 2, 3] } } as never)
    expect(await why(hidden)).toBe('granted')
    for (let at = 0; at < 4; at++) expect(await why(withhold(hidden, at))).toContain('was withheld')
    const claim = await issue(issuer, claimsAt(NOW, { nbf: NOW_S - 1 }), { _sd: ['nbf'] } as never)
    expect(await why(withhold(claim, 0))).toContain('was withheld')
    const allowed = [{ website: 'https://a.example' }, { website: 'https://b.example' }]
    const constraints = [
      { type: 'payment.budget', currency: 'USD', max: 1 },
      { type: 'payment.allowed_payees', allowed },
    ]
    const payees = await issue(issuer, claimsAt(NOW, { constraints }), { constraints: { 1: { allowed: { _sd: [0, 1] } } } } as never)
    const [whole, less] = [await read(payees, NOW), await read(withhold(payees, 1), NOW)]
    expect([whole, less]).toMatchObject([{ grant: { payees: ['a.example', 'b.example'] } }, { grant: { payees: ['a.example'] } }])
    expect('digest' in whole && 'digest' in less && whole.digest === less.digest).toBe(true)
  })

  it('is refused where a part of an allowed payee is withheld, which would make another payee of it', async () => {
    const allowed = [{ id: `0x${'a'.repeat(40)}`, website: 'https://a.example' }]
    const constraints = [
      { type: 'payment.budget', currency: 'USD', max: 1 },
      { type: 'payment.allowed_payees', allowed },
    ]
    const frame = { constraints: { 1: { allowed: { _sd: [0], 0: { _sd: ['website'] } } } } } as never
    const text = await issue(issuer, claimsAt(NOW, { constraints }), frame)
    expect(await read(text, NOW)).toMatchObject({ grant: { payees: ['a.example'] } })
    const website = text.split('~').findIndex((part) => Buffer.from(part, 'base64url').toString().includes('"website"')) - 1
    expect(await why(withhold(text, website))).toContain('was withheld')
  })

  it('is found in the member in which AP2 issuers put it; around it nothing may stand that is not looked at', async () => {
    const { iat, exp, ...inner } = bound({ exp: NOW_S + 60 })
    const inside = await issue(issuer, { iat, exp, delegate_payload: [{ ...inner, exp: NOW_S + 30 }] }, {
      delegate_payload: { _sd: [0] },
    } as never)
    expect(await why(inside)).toContain('proof that its presenter has it is missing')
    expect(await read(await present(inside, agent, fresh()), NOW)).toMatchObject({ grant: { total: 6_000_000n, until: NOW + 30_000 } })
    expect(await why(withhold(inside, 0))).toBe(NOT_SIGNED)
    expect(await why(await issue(issuer, { delegate_payload: [claimsAt(NOW)], constraints: [] }))).toBe(NOT_SIGNED)
    expect(await why(await issue(issuer, { delegate_payload: [claimsAt(NOW), claimsAt(NOW)] }))).toBe(NOT_SIGNED)
  })

  it('is nothing else, and nothing else gets out than a reason', async () => {
    const text = await present(await issue(issuer, bound()), agent, fresh())
    const changed = fc
      .tuple(fc.nat(text.length - 1), fc.constantFrom(...'ab09-_.~'))
      .map(([at, letter]) => text.slice(0, at) + letter + text.slice(at + 1))
    const deep = fc.constant(
      `e30.${Buffer.from(`{"iss":"${ISSUER}","x":${'['.repeat(9_000)}${']'.repeat(9_000)}}`).toString('base64url')}.x~`,
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), changed, deep), async (other) => {
        expect(await read(other, NOW)).toSatisfy((result: object) => 'why' in result || 'grant' in result)
      }),
      { numRuns: 200 },
    )
  })
})
