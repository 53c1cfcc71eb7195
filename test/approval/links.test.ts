import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLinks, fitOf, type Link, usedMark } from '../../src/approval/links.ts'
import { anApproval } from './approvals-at-hand.ts'

const SECRET = Buffer.alloc(32, 7)
const links = createLinks(SECRET)
const LINK: Link = { approvalId: 'apr_1', person: 'olga', digest: 'd'.repeat(64), kind: 'approval', expiresAt: 10_000 }

describe('links', () => {
  it('a link says what it was made for, the same each time it is made', () => {
    const token = links.mint(LINK)
    expect(links.read(token, 9_999)).toEqual({ kind: 'valid', link: LINK })
    expect(links.mint(LINK)).toBe(token)
    expect(token).toMatch(/^plt_[A-Za-z0-9_.-]+$/)
  })

  it('it ends on the millisecond', () => {
    expect(links.read(links.mint(LINK), 10_000)).toEqual({ kind: 'expired' })
  })

  it('no byte of it can be changed', () => {
    const token = links.mint(LINK)
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A'
      expect(links.read(`${token.slice(0, at)}${other}${token.slice(at + 1)}`, 0)).toEqual({ kind: 'invalid' })
    }
  })

  it('a link of another installation is worth nothing', () => {
    expect(createLinks(Buffer.alloc(32, 8)).read(links.mint(LINK), 0)).toEqual({ kind: 'invalid' })
  })

  it('another person, digest, kind or end makes another token', () => {
    const others: Partial<Link>[] = [
      { approvalId: 'apr_2' },
      { person: 'ops' },
      { digest: 'e'.repeat(64) },
      { kind: 'veto' },
      { expiresAt: 9 },
    ]
    const tokens = [LINK, ...others.map((change) => ({ ...LINK, ...change }))].map((link) => links.mint(link))
    expect(new Set(tokens).size).toBe(tokens.length)
    expect(new Set(tokens.map(usedMark)).size).toBe(tokens.length)
  })

  it('what is stored of a used token does not give it away', () => {
    expect(usedMark(links.mint(LINK))).toMatch(/^link:[0-9a-f]{64}$/)
  })

  it('whatever text comes, it is invalid and nothing is thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `plt_${text}.${text}`),
        ),
        (text) => links.read(text, 0).kind === 'invalid',
      ),
    )
  })

  it('a form is proven for one token and one browser only, and a proof is no link', () => {
    const token = links.mint(LINK)
    const proof = links.formProof(token, 'browser_1')
    expect(links.isFormProof(proof, { token, browser: 'browser_1' })).toBe(true)
    expect(links.isFormProof(proof, { token, browser: 'browser_2' })).toBe(false)
    expect(links.isFormProof(proof, { token: links.mint({ ...LINK, person: 'ops' }), browser: 'browser_1' })).toBe(false)
    expect(links.isFormProof('', { token, browser: 'browser_1' })).toBe(false)
  })

  it('it fits only what is pending, of this digest and kind', () => {
    expect(fitOf(LINK, anApproval())).toBe('fits')
    expect(fitOf(LINK, undefined)).toBe('gone')
    expect(fitOf(LINK, anApproval({ digest: 'e'.repeat(64) }))).toBe('changed')
    expect(fitOf({ ...LINK, kind: 'veto' }, anApproval())).toBe('changed')
    expect(fitOf(LINK, anApproval({ state: 'denied' }))).toBe('over')
  })
})
