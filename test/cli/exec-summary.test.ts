import { styleText } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { PaymentAnswer, SessionAnswer } from '../../src/cli/answers.ts'
import { outcomesOf, summaryText } from '../../src/cli/exec-summary.ts'

const session: SessionAnswer = {
  ...{ id: 'ses_1', agent: 'a', purpose: 'p', currency: 'USD', state: 'closed', expiresAt: '2026-11-22T10:00:00.000Z' },
  ...{ cap: '10.00', spent: '2.50', held: '0.03', remaining: '7.47' },
}
const payment = (state: string, host: string, amount = '0.01', more: Partial<PaymentAnswer> = {}): PaymentAnswer => ({
  ...{
    id: 'pay',
    sessionId: 'ses_1',
    agent: 'a',
    state,
    method: 'GET',
    url: `https://${host}/x`,
    host,
    tier: 't',
    reason: 'because',
    amount,
  },
  ...{ delivered: state === 'settled', ...more },
})
const plain = { paint: (_ink: unknown, text: string) => text }
const summary = (payments: readonly PaymentAnswer[], changes: Partial<SessionAnswer> = {}, complete = true) =>
  summaryText({ ...session, ...changes }, { payments, complete, unanswered: 0 }, plain)

describe('the summary of exec', () => {
  it('shows the budget as a bar: spent, held, left', () => {
    const text = summary([])
    expect(text).toContain('Session ses_1 is closed.')
    expect(text).toContain(`[${'█'.repeat(10)}▒${'·'.repeat(29)}]  25% used`)
    expect(text).toMatch(/Spent +\$2\.50 of \$10\.00/)
    expect(text).toMatch(/Held +\$0\.03 {2}\(may still be taken/)
    expect(text).toMatch(/Remaining +\$7\.47/)
  })

  it('the bar never grows beyond its frame, and what is above zero shows', () => {
    const bars = [
      { spent: '10.00', held: '0.01' },
      { spent: '0.000001', held: '0' },
      { spent: '0', held: '0', cap: '0' },
      { spent: '9.99', held: '0.01' },
    ].map((money) => /\[(.*)\]/.exec(summary([], money))?.[1] ?? '')
    expect(bars.map((bar) => bar.length)).toEqual([40, 40, 40, 40])
    expect(bars.map((bar) => [...bar].filter((cell) => cell === '█').length)).toEqual([40, 1, 0, 39])
    expect(bars[3]).toMatch(/▒$/)
  })

  it('says who was paid, the dearest first, and why what was refused was', () => {
    const payments = [
      payment('settled', 'cheap.example'),
      payment('settled', 'dear.example', '1.00'),
      payment('unknown', 'dear.example', '0.50'),
      payment('denied', 'dear.example', '9.00', { code: 'spending_limit_exceeded', reason: 'It does not fit.' }),
    ]
    const text = summary(payments)
    expect(text).toMatch(/Payments +3 made, 1 refused\n/)
    expect(text).toMatch(/Paid:\n {2}dear\.example +\$1\.50 +2 payments\n {2}cheap\.example +\$0\.01 +1 payment\n/)
    expect(text).toMatch(/Refused:\n {2}spending_limit_exceeded +1× +It does not fit\.\n/)
    expect(text).toContain('purser payments list --session ses_1')
    expect(outcomesOf(payments)).toEqual({ paid: 3, refused: 1 })
  })

  it('fits on one screen, however much was bought', () => {
    const many = Array.from({ length: 200 }, (_, at) => [
      payment('settled', `h${at}.example`),
      payment('denied', `h${at}.example`, '1', { code: `code_${at}`, reason: 'x'.repeat(500) }),
    ]).flat()
    const lines = summaryText(session, { payments: many, complete: false, unanswered: 9 }, plain).split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(140)
    expect(lines.join('\n')).toContain('and 195 more')
    expect(lines.join('\n')).toContain('among the latest 1,000')
  })

  it('says how many questions to people ended with the session, and marks what it cuts', () => {
    const refused = [payment('denied', 'h.example', '1', { code: 'no_tier_matches', reason: 'x'.repeat(500) })]
    const text = summaryText(session, { payments: refused, complete: true, unanswered: 2 }, plain)
    expect(text).toMatch(/People +2 questions ended with the session: purser approvals list --state withdrawn --session ses_1\n/)
    expect(text).toContain(`${'x'.repeat(99)}…`)
    expect(summary([])).not.toContain('People')
  })

  it('is coloured only where the terminal wants it', () => {
    const paint = (ink: Parameters<typeof styleText>[0], text: string) => styleText(ink, text, { validateStream: false })
    expect(summaryText(session, { payments: [], complete: true, unanswered: 0 }, { paint })).not.toBe(summary([]))
  })
})
