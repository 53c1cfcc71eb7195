import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeSlack, pressedButton, requestMark, slackFault, slackMessage } from '../../src/approval/slack.ts'
import { anApproval, aWindow, HIRE, HOSTILE_TEXTS } from './approvals-at-hand.ts'

const SUBJECT = { type: 'approval.requested', at: 0, approval: anApproval() }
const SECRET = '8f742231b10e8888abcd99yyyzzz85a5'
// biome-ignore lint/suspicious/noExplicitAny: what a test looks at in a message, it asserts
const message = (subject: typeof SUBJECT, token?: string): any => JSON.parse(slackMessage(subject, token))

/** Every text object of a message, wherever it stands. */
function textsIn(value: unknown): { type: string; text: string; emoji?: boolean }[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'text' in value && typeof value.text === 'string' && 'type' in value ? [value as { type: string; text: string }] : []
  return [...own, ...Object.values(value).flatMap(textsIn)]
}

function signed(body: string, timestamp = '1531420618') {
  return { body, timestamp, signature: `v0=${createHmac('sha256', SECRET).update(`v0:${timestamp}:${body}`).digest('hex')}` }
}
const AT = 1_531_420_618_000
const press = (more: object = {}) =>
  new URLSearchParams({
    payload: JSON.stringify({
      type: 'block_actions',
      user: { id: 'U1', name: 'anna' },
      actions: [{ action_id: 'purser_approve', value: 'plt_x.y', type: 'button' }],
      response_url: 'https://hooks.slack.com/actions/1',
      ...more,
    }),
  }).toString()

describe('slack', () => {
  it('a message says what will be signed, with the buttons that fit', () => {
    const { text, blocks } = message(SUBJECT, 'plt_x.y')
    expect(text).toBe('Approve $89.00 to agents.example for procurement?')
    expect(JSON.stringify(blocks)).toContain(`Recipient: ${HIRE.payTo}`)
    const buttons = (of: typeof SUBJECT, token?: string) =>
      message(of, token)
        .blocks.filter(({ type }: { type: string }) => type === 'actions')
        .flatMap(({ elements }: { elements: object[] }) => elements)
    expect(buttons(SUBJECT, 'plt_x.y')).toMatchObject([
      { action_id: 'purser_approve', value: 'plt_x.y', confirm: {} },
      { action_id: 'purser_deny', value: 'plt_x.y' },
    ])
    expect(buttons({ ...SUBJECT, approval: aWindow() }, 'plt_x.y')).toMatchObject([{ action_id: 'purser_deny', text: { text: 'Veto' } }])
    expect(buttons(SUBJECT)).toEqual([])
  })

  it('stays within what Slack takes', () => {
    const long = { ...HIRE, untrusted: 'x'.repeat(10_000), url: `https://agents.example/${'y'.repeat(10_000)}`, reason: 'z'.repeat(9_000) }
    const { blocks } = message({ ...SUBJECT, approval: anApproval({ required: 2, shown: long }) }, 'plt_x.y')
    expect(blocks.length).toBeLessThanOrEqual(50)
    expect(textsIn(blocks).every(({ text }) => text.length <= 3_000)).toBe(true)
  })

  it.each(HOSTILE_TEXTS)('foreign text stands in plain text only, so nothing in it is a mention or a link: %s', (_name, text) => {
    const shown = { ...HIRE, untrusted: text, justification: text, host: text }
    const built = message({ ...SUBJECT, approval: anApproval({ shown, agent: text }) }, 'plt_x.y')
    expect(new Set(textsIn(built.blocks).map(({ type, emoji }) => `${type} ${emoji}`))).toEqual(new Set(['plain_text false']))
    expect(built.text).not.toMatch(/[<>]/)
  })

  it('escapes what begins a link or a mention', () => {
    expect(escapeSlack('<!channel> & <@U1>')).toBe('&lt;!channel&gt; &amp; &lt;@U1&gt;')
  })

  it('takes what is signed with the secret, and nothing that was changed, is old, or comes from the future', () => {
    const request = signed(press())
    expect(slackFault(request, { secret: SECRET, now: AT })).toBeUndefined()
    expect(slackFault({ ...request, body: `${request.body}&x=1` }, { secret: SECRET, now: AT })).toMatch(/not signed/)
    expect(slackFault({ ...request, signature: 'v0=' }, { secret: SECRET, now: AT })).toMatch(/not signed/)
    expect(slackFault(request, { secret: 'another', now: AT })).toMatch(/not signed/)
    expect(slackFault(request, { secret: SECRET, now: AT + 300_000 })).toBeUndefined()
    expect(slackFault(request, { secret: SECRET, now: AT + 300_001 })).toMatch(/five minutes/)
    expect(slackFault(request, { secret: SECRET, now: AT - 300_001 })).toMatch(/five minutes/)
    expect(slackFault({ ...request, timestamp: '' }, { secret: SECRET, now: AT })).toMatch(/no timestamp/)
    expect(slackFault({ ...request, timestamp: '1531420619' }, { secret: SECRET, now: AT })).toMatch(/not signed/)
  })

  it('two requests have two marks, a replay the same', () => {
    expect(requestMark(signed('a'))).toBe(requestMark(signed('a')))
    expect(new Set([signed('a'), signed('b'), signed('a', '1')].map(requestMark)).size).toBe(3)
  })

  it('reads who pressed what', () => {
    expect(pressedButton(press())).toEqual({
      user: 'U1',
      verdict: 'approve',
      token: 'plt_x.y',
      responseUrl: 'https://hooks.slack.com/actions/1',
    })
    expect(pressedButton(press({ actions: [{ action_id: 'purser_deny', value: 't' }] }))?.verdict).toBe('deny')
  })

  it('whatever else comes is no button, and nothing is thrown', () => {
    expect(pressedButton(press({ type: 'view_submission' }))).toBeUndefined()
    expect(pressedButton(press({ actions: [] }))).toBeUndefined()
    expect(pressedButton(press({ actions: [{ action_id: 'other', value: '' }] }))).toBeUndefined()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((payload) => new URLSearchParams({ payload }).toString()),
        ),
        (body) => pressedButton(body) === undefined,
      ),
    )
  })
})
