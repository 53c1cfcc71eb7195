/**
 * Slack: what goes to an incoming webhook, and what comes back when somebody presses a button. Values are `plain_text`
 * blocks only, so that nothing in them is a link, a mention or a format. A signed request counts once and for five minutes.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { SLACK_TOLERANCE_MS } from '../people-limits.ts'
import { alertFacts, type Subject } from './alert.ts'
import { factsOf, headline, plain } from './text.ts'

const MAX_HEADER_CHARS = 150
const MAX_VALUE_CHARS = 1_900

const plainText = (text: string, max: number) => ({ type: 'plain_text', text: plain(text, max), emoji: false })

/** The message, as JSON. `token` binds its buttons to this approval as it is shown; without it there are none. */
export function slackMessage(subject: Subject, token?: string): string {
  const title = subject.approval ? headline(subject.approval) : subject.alert.sentence
  const facts = subject.approval ? factsOf(subject.approval) : alertFacts(subject.alert.facts)
  const lines = facts.map(({ label, value }) => ({ type: 'section', text: plainText(`${label}: ${value}`, MAX_VALUE_CHARS) }))
  return JSON.stringify({
    text: escapeSlack(plain(title, MAX_HEADER_CHARS)),
    blocks: [
      { type: 'header', text: plainText(title, MAX_HEADER_CHARS) },
      ...lines,
      ...(subject.approval ? waysOf(subject.approval, token) : []),
    ],
  })
}

function waysOf({ id, kind }: { readonly id: string; readonly kind: 'approval' | 'veto' }, token: string | undefined): object[] {
  const command = { type: 'context', elements: [plainText(`On the command line: purser approvals show ${id}`, MAX_VALUE_CHARS)] }
  if (token === undefined) return [command]
  const button = (verdict: 'approve' | 'deny', text: string, style: string) => ({
    ...{ type: 'button', action_id: `purser_${verdict}`, text: plainText(text, 70), style, value: token },
    confirm: {
      title: plainText(`${text}?`, 90),
      text: plainText('This counts at once and cannot be taken back.', 90),
      confirm: plainText(text, 25),
      deny: plainText('Not now', 25),
    },
  })
  const buttons =
    kind === 'veto' ? [button('deny', 'Veto', 'danger')] : [button('approve', 'Approve', 'primary'), button('deny', 'Deny', 'danger')]
  return [{ type: 'actions', elements: buttons }, command]
}

/** Text without the three characters by which Slack's own begins links and mentions. */
export function escapeSlack(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

export interface SignedRequest {
  /** `X-Slack-Signature` */
  readonly signature: string
  /** `X-Slack-Request-Timestamp`, seconds since 1970. */
  readonly timestamp: string
  readonly body: string
}

/** Why this request is not Slack's, or undefined where it is. `now` in milliseconds since 1970. */
export function slackFault(
  { signature, timestamp, body }: SignedRequest,
  check: { readonly secret: string; readonly now: number },
): string | undefined {
  if (!/^[0-9]{1,12}$/.test(timestamp)) return 'The request carries no timestamp of Slack’s.'
  const age_ms = check.now - Number.parseInt(timestamp, 10) * 1000
  if (Math.abs(age_ms) > SLACK_TOLERANCE_MS) return 'The request’s timestamp is more than five minutes away.'
  const expected = Buffer.from(`v0=${createHmac('sha256', check.secret).update(`v0:${timestamp}:${body}`).digest('hex')}`)
  const given = Buffer.from(signature)
  const isSlacks = given.length === expected.length && timingSafeEqual(given, expected)
  return isSlacks ? undefined : 'The request is not signed with the configured signing secret.'
}

/** What is stored of a request, so that a replay of it is refused. */
export function requestMark({ timestamp, body }: SignedRequest): string {
  return `slack:${createHash('sha256').update(`${timestamp}:${body}`).digest('hex')}`
}

const Payload = z.object({
  type: z.literal('block_actions'),
  user: z.object({ id: z.string().min(1).max(100) }),
  actions: z.array(z.object({ action_id: z.enum(['purser_approve', 'purser_deny']), value: z.string().max(2_000) })).length(1),
  response_url: z.url().optional(),
})

export interface Press {
  /** The user id at Slack. */
  readonly user: string
  readonly verdict: 'approve' | 'deny'
  readonly token: string
  /** Where the answer goes that people see. */
  readonly responseUrl: string | undefined
}

/** The pressed button in a form-encoded interaction; undefined for whatever else it is. Never throws. */
export function pressedButton(body: string): Press | undefined {
  const parsed = Payload.safeParse(parseJson(new URLSearchParams(body).get('payload') ?? ''))
  const [action] = parsed.data?.actions ?? []
  if (!parsed.success || !action) return undefined
  const { user, response_url: responseUrl } = parsed.data
  return { user: user.id, verdict: action.action_id === 'purser_approve' ? 'approve' : 'deny', token: action.value, responseUrl }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
