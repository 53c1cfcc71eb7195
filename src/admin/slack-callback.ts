/** What Slack sends when somebody presses a button: signed, fresh, once, from a person who may decide. */
import type { Approval } from '../approval/approval.ts'
import type { Approvals } from '../approval/approvals.ts'
import { fitOf, type Links } from '../approval/links.ts'
import { type Contacts, mayDecide, slackPerson } from '../approval/people.ts'
import { escapeSlack, type Press, pressedButton, requestMark, slackFault } from '../approval/slack.ts'
import { headline } from '../approval/text.ts'
import type { Post } from '../approval/webhook.ts'
import type { Clock } from '../clock.ts'
import { PurserError, refused } from '../errors.ts'
import { MAX_SLACK_BODY_BYTES, SLACK_TOLERANCE_MS } from '../people-limits.ts'
import type { Events } from '../telemetry/events.ts'
import { boundBodyAt } from './door-guard.ts'
import type { AdminApp } from './router.ts'

export interface SlackDeps {
  /** Without it there is no such door. */
  readonly signingSecret: string | undefined
  readonly approvals: Pick<Approvals, 'approval' | 'vote'>
  readonly useOnce: (mark: string, expiresAt: number) => Promise<boolean>
  readonly links: Links
  readonly contacts: Contacts
  readonly clock: Clock
  /** Tells the channel what became of it. */
  readonly post: Post
  readonly events: Pick<Events, 'warned'>
}

/** Needs no bearer token: Slack's signature is the credential. */
export function registerSlackCallback(app: AdminApp, deps: SlackDeps): void {
  const { signingSecret } = deps
  if (signingSecret === undefined) return
  app.post('/v1/slack/actions', boundBodyAt(MAX_SLACK_BODY_BYTES), async (context) => {
    const body = await context.req.text()
    await admit(
      { body, signature: context.req.header('x-slack-signature') ?? '', timestamp: context.req.header('x-slack-request-timestamp') ?? '' },
      signingSecret,
      deps,
    )
    const press = pressedButton(body)
    if (!press) throw refused('request_invalid', 'This is no button of Purser’s.')
    const outcome = await outcomeOf(press, deps)
    // Slack waits three seconds for its answer; the channel may hear of it later.
    void answer(press, outcome, deps)
    return context.body(null, 200)
  })
}

/** @throws PurserError `unauthorized`, `conflict` */
async function admit(
  request: { body: string; signature: string; timestamp: string },
  secret: string,
  { clock, useOnce }: SlackDeps,
): Promise<void> {
  const now = clock.now()
  const fault = slackFault(request, { secret, now })
  if (fault !== undefined) throw refused('unauthorized', fault)
  if (!(await useOnce(requestMark(request), now + 2 * SLACK_TOLERANCE_MS)))
    throw refused('conflict', 'This request of Slack’s was taken already.')
}

/** What the person who pressed is told. */
async function outcomeOf({ user, verdict, token }: Press, { links, contacts, approvals, clock }: SlackDeps): Promise<string> {
  const read = links.read(token, clock.now())
  if (read.kind === 'expired') return 'This question has expired; nothing was decided.'
  // Links of single persons are for their page; the buttons' token is nobody's.
  if (read.kind === 'invalid' || read.link.person !== '') return 'These buttons are not valid; nothing was decided.'
  const approval = await approvals.approval(read.link.approvalId)
  const fit = fitOf(read.link, approval)
  if (!approval || fit !== 'fits') return STALE[fit === 'fits' ? 'gone' : fit]
  const person = slackPerson(contacts, user)
  if (!person || !mayDecide(contacts, person.id, approval)) {
    return 'You may not decide this: no person with the role approver has your Slack user in the configuration of Purser.'
  }
  return vote(approval, { person: person.id, verdict }, approvals)
}

const STALE = {
  gone: 'There is no such approval any more.',
  over: 'This was decided before; nothing changed now.',
  changed: 'The payment changed since this message; nothing was decided. A new message shows what is asked now.',
}

async function vote(
  { id }: Approval,
  { person, verdict }: { readonly person: string; readonly verdict: 'approve' | 'deny' },
  approvals: SlackDeps['approvals'],
): Promise<string> {
  try {
    const decided = await approvals.vote(id, { person, verdict, reason: '', channel: 'slack' })
    return `${person} ${verdict === 'approve' ? 'approved' : 'refused'}. ${headline(decided)}`
  } catch (cause) {
    if (!(cause instanceof PurserError) || cause.refusal.code === 'ledger_unavailable') throw cause
    return cause.refusal.detail
  }
}

/** Into the channel where it was pressed; what was decided holds whether that arrives or not. Never rejects. */
async function answer({ responseUrl }: Press, text: string, { post, contacts, events }: SlackDeps): Promise<void> {
  try {
    if (responseUrl === undefined || !isSlacks(responseUrl, contacts)) return
    const body = JSON.stringify({ text: escapeSlack(text), replace_original: false, response_type: 'in_channel' })
    await post(responseUrl, { body, headers: {} })
  } catch (cause) {
    events.warned('Slack could not be told what became of a press.', cause)
  }
}

/** Only to Slack, or to the place that stands in for it: a signed body must not send us anywhere else. */
function isSlacks(url: string, { shared }: Contacts): boolean {
  const { origin } = new URL(url)
  const own = shared.some((address) => address.channel === 'slack' && address.url !== undefined && new URL(address.url).origin === origin)
  return own || origin === 'https://hooks.slack.com'
}
