import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { amountLine, escapeHtml, factsOf, headline, plain } from '../../src/approval/text.ts'
import { MAX_SHOWN_TEXT_CHARS } from '../../src/people-limits.ts'
import { anyText } from '../any-text.ts'
import { anApproval, aWindow, HIRE, HOSTILE_TEXTS } from './approvals-at-hand.ts'

/** Whatever is not seen, moves the cursor, breaks the line or turns the direction. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u
const value = (label: string, approval = anApproval()) => factsOf(approval).find((fact) => fact.label === label)?.value

describe('text', () => {
  it.each(HOSTILE_TEXTS)('text from elsewhere is one bounded line of visible characters: %s', (_name, text) => {
    const shown = plain(text)
    expect(shown).not.toMatch(UNFIT)
    expect([...shown].length).toBeLessThanOrEqual(MAX_SHOWN_TEXT_CHARS)
    expect(shown).not.toMatch(/\p{M}{4}/u)
  })

  it('takes a terminal’s sequences away whole and keeps the words', () => {
    expect(plain('\u001b[31mred\u001b[0m')).toBe('red')
    expect(plain('\u001b]0;owned\u0007rest')).toBe('rest')
    expect(plain('one\r\ntwo')).toBe('one two')
    expect(plain('pay \u202e00.1$')).toBe('pay 00.1$')
    expect(plain('naïve Größe 日本語 👍')).toBe('naïve Größe 日本語 👍')
  })

  it('says that text was cut, by whole characters', () => {
    expect(plain('👍'.repeat(10), 5)).toBe('👍👍👍👍…')
    expect(plain('12345', 5)).toBe('12345')
  })

  it('whatever the text is, what is shown is fit to be shown and cleaning it again changes nothing', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 400 }), fc.integer({ min: 1, max: 100 }), (text, max) => {
        const shown = plain(text, max)
        expect(shown).not.toMatch(UNFIT)
        expect([...shown].length).toBeLessThanOrEqual(max)
        expect(plain(shown, max)).toBe(shown)
      }),
    )
  })

  it('shows exactly what will be signed, and why, and what is left', () => {
    expect(value('Amount')).toBe('$89.00: 89 USDC (89000000 atomic units)')
    expect(value('Recipient')).toBe(HIRE.payTo)
    expect(value('Resource')).toBe('POST https://agents.example/hire?plan=pro')
    expect(value('Network')).toBe('eip155:84532 (x402, exact, authorization)')
    expect(value('Asset')).toBe(`USDC at ${HIRE.asset.address}`)
    expect(value('Purpose of the session')).toBe('liquidity report')
    expect(value('Why you are asked')).toBe('The tier collaborative asks a person.')
    expect(value('Left of the session')).toBe('$100.00 before this payment, $11.00 after it')
    expect(value('Changed since the last payment there')).toBe('The price was $80.00 last time.')
    expect(value('Digest of what will be signed')).toBe('d'.repeat(64))
  })

  it('says plainly of what is asked ahead that neither resource nor token is known yet', () => {
    const asset = { symbol: 'USD', address: 'USD', decimals: 6 }
    const ahead = { url: 'https://agents.example/.purser/authorize/agent_hire', rail: 'authorize', scheme: 'authorize', asset }
    const asked = anApproval({ shown: { ...HIRE, ...ahead } })
    expect(value('Resource', asked)).toBe('not known yet: it is asked ahead of any request')
    expect(value('Network', asked)).toBe('eip155:84532')
    expect(value('Asset', asked)).toBe('USD')
  })

  it('marks the words of agents and servers as theirs', () => {
    const facts = factsOf(anApproval({ shown: { ...HIRE, untrusted: 'Best \u202edeal' } }))
    expect(facts.filter(({ from }) => from === 'agent').map(({ value: said }) => said)).toEqual(['needs a second opinion', 'task-7'])
    expect(facts.filter(({ from }) => from === 'server')).toEqual([
      { label: 'The server says (not checked)', value: 'Best deal', from: 'server' },
    ])
  })

  it('the amount is never rounded', () => {
    expect(amountLine({ ...HIRE, amountAtomic: 1n, amount: 1n })).toBe('$0.000001: 0.000001 USDC (1 atomic units)')
    expect(amountLine({ ...HIRE, currency: 'EUR', amountAtomic: 10n ** 30n, amount: 10n ** 18n })).toContain(`(${10n ** 30n} atomic units)`)
  })

  it('says what silence means', () => {
    expect(headline(anApproval())).toBe('Approve $89.00 to agents.example for procurement?')
    expect(headline(aWindow())).toBe('$89.00 to agents.example for procurement will be paid unless you veto it within 30 s')
    expect(headline(anApproval({ state: 'denied' }))).toBe('$89.00 to agents.example for procurement: denied')
  })

  it.each(HOSTILE_TEXTS)('escaped text opens no tag and leaves no attribute: %s', (_name, text) => {
    expect(escapeHtml(plain(text))).not.toMatch(/[<>"'`]|&(?!#[0-9]+;)/)
  })
})
