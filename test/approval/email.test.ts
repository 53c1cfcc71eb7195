import { describe, expect, it } from 'vitest'
import { emailOf, emailPayload } from '../../src/approval/email.ts'
import { anApproval, HIRE, HOSTILE_TEXTS } from './approvals-at-hand.ts'

const SUBJECT = { type: 'approval.requested', at: 0, approval: anApproval() }
const LINK = 'https://purser.example/approve/plt_x.y'

describe('email', () => {
  it('a letter shows what will be signed, and the way to decide', () => {
    const letter = emailOf(SUBJECT, { to: 'olga@example.com', link: LINK })
    expect(letter.to).toBe('olga@example.com')
    expect(letter.subject).toBe('[Purser] Approve $89.00 to agents.example for procurement?')
    expect(letter.text).toContain(`Recipient: ${HIRE.payTo}`)
    expect(letter.text).toContain(`Look at it and decide (once, and only you): ${LINK}`)
    expect(letter.html).toContain(`<a href="${LINK}">`)
  })

  it('without a link it names the command', () => {
    const { text, html } = emailOf(SUBJECT, { to: 'olga@example.com' })
    expect(text).toContain('purser approvals show apr_1')
    expect(html).not.toContain('<a ')
  })

  it.each(HOSTILE_TEXTS)('foreign text makes neither markup nor a further line of the letter: %s', (_name, text) => {
    const usual = emailOf(SUBJECT, { to: 'olga@example.com' })
    const shown = { ...HIRE, justification: text, untrusted: text, purpose: text }
    const { html, text: plain, subject } = emailOf({ ...SUBJECT, approval: anApproval({ shown, agent: text }) }, { to: 'olga@example.com' })
    const tags = (markup: string) => [...markup.matchAll(/<[^>]*>/g)].map(([tag]) => tag)
    expect(new Set(tags(html))).toEqual(new Set(tags(usual.html)))
    expect(plain.split('\n').length).toBe(usual.text.split('\n').length + 1)
    expect(subject).not.toMatch(/[\r\n]/)
  })

  it('a relay gets the letter as one event', () => {
    expect(JSON.parse(emailPayload(SUBJECT, { to: 'olga@example.com' }))).toMatchObject({
      type: 'approval.requested',
      timestamp: '1970-01-01T00:00:00.000Z',
      data: { to: 'olga@example.com', subject: expect.any(String), text: expect.any(String), html: expect.any(String) },
    })
  })
})
