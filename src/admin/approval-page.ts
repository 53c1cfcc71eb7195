/**
 * The page behind a link in a notice: one person reads exactly what will be signed, and says yes or no once. Reading it
 * does nothing. What decides is a form that this page made for this browser, sent from this page.
 */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import type { Approval } from '../approval/approval.ts'
import type { Approvals } from '../approval/approvals.ts'
import { fitOf, type Link, type Links, usedMark } from '../approval/links.ts'
import { type Contacts, mayDecide } from '../approval/people.ts'
import { escapeHtml, type Fact, factsOf, headline, plain } from '../approval/text.ts'
import type { Clock, Ids } from '../clock.ts'
import { describe, PurserError } from '../errors.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { htmlPage, type PageContent } from './html-page.ts'
import type { AdminApp, AdminEnv } from './router.ts'

export interface ApprovalPageDeps {
  readonly approvals: Pick<Approvals, 'approval' | 'vote'>
  /** True for the first to use this mark. */
  readonly useOnce: (mark: string, expiresAt: number) => Promise<boolean>
  readonly links: Links
  readonly contacts: Contacts
  readonly clock: Clock
  readonly ids: Ids
  /** Whether browsers reach this listener by https. */
  readonly secureCookies: boolean
}

type PageContext = Context<AdminEnv, '/approve/:token'>

const COOKIE = 'purser_form'
const Form = z.strictObject({
  verdict: z.enum(['approve', 'deny']),
  reason: z.string().max(MAX_HINT_CHARS).default(''),
  proof: z.string().max(100),
})

/** Needs no bearer token: the link is the credential. */
export function registerApprovalPage(app: AdminApp, deps: ApprovalPageDeps): void {
  app.get('/approve/:token', async (context) => answered(context, () => show(context, deps)))
  app.post('/approve/:token', async (context) => answered(context, () => decide(context, deps)))
}

/** People get a page, also when it went wrong for a reason that is known. */
async function answered(context: PageContext, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer()
  } catch (cause) {
    if (!(cause instanceof PurserError)) throw cause
    const { code, detail } = cause.refusal
    return htmlPage(context, { status: describe(code).status, title: 'This did not work', paragraphs: [detail, ELSEWHERE] })
  }
}

const ELSEWHERE = 'On the command line, purser approvals list shows what waits.'
const FAULTS = {
  invalid: { status: 404, title: 'This link is not valid', paragraphs: ['Check that it was copied whole.', ELSEWHERE] },
  expired: { status: 410, title: 'This link has expired', paragraphs: ['Nothing was decided by it.', ELSEWHERE] },
  used: { status: 410, title: 'This link was used already', paragraphs: ['A link counts once. Nothing was decided now.', ELSEWHERE] },
  gone: { status: 404, title: 'There is no such approval any more', paragraphs: [ELSEWHERE] },
  changed: {
    status: 409,
    title: 'This is not what the link was made for',
    paragraphs: ['The payment changed since you were told of it. Nothing was decided; a new notice shows what is asked now.', ELSEWHERE],
  },
  forbidden: {
    status: 403,
    title: 'You may not decide this',
    paragraphs: ['Whoever decides needs the role approver, and is not the one who asks.'],
  },
  form: {
    status: 403,
    title: 'This form was not made for this browser',
    paragraphs: ['Nothing was decided. Open the link again, with cookies allowed for this page, and decide there.'],
  },
} as const satisfies Record<string, PageContent>

async function show(context: PageContext, deps: ApprovalPageDeps): Promise<Response> {
  const token = context.req.param('token')
  const found = await lookUp(token, deps)
  if (found.kind !== 'open') return found.approval ? over(context, found.approval) : htmlPage(context, FAULTS[found.kind])
  const browser = deps.ids('browser')
  const options = { path: `/approve/${token}`, httpOnly: true, sameSite: 'Strict', secure: deps.secureCookies } as const
  setCookie(context, COOKIE, browser, options)
  return htmlPage(context, {
    status: 200,
    title: headline(found.approval),
    ...bodyOf(found.approval, deps.links.formProof(token, browser)),
  })
}

async function decide(context: PageContext, deps: ApprovalPageDeps): Promise<Response> {
  const token = context.req.param('token')
  const form = Form.safeParse(Object.fromEntries(new URLSearchParams(await context.req.text())))
  const browser = getCookie(context, COOKIE)
  if (!form.success || browser === undefined || !deps.links.isFormProof(form.data.proof, { token, browser })) {
    return htmlPage(context, FAULTS.form)
  }
  const found = await lookUp(token, deps)
  if (found.kind !== 'open') return found.approval ? over(context, found.approval) : htmlPage(context, FAULTS[found.kind])
  const { link, approval } = found
  if (!(await deps.useOnce(usedMark(token), link.expiresAt))) return htmlPage(context, FAULTS.used)
  const { verdict, reason } = form.data
  const decided = await deps.approvals.vote(approval.id, {
    person: link.person,
    verdict,
    reason: plain(reason, MAX_HINT_CHARS),
    channel: 'link',
  })
  return htmlPage(context, { status: 200, title: 'Thank you, this counts', paragraphs: [outcomeOf(decided)] })
}

type Found =
  | { readonly kind: 'open'; readonly link: Link; readonly approval: Approval }
  | { readonly kind: 'over'; readonly approval: Approval }
  | { readonly kind: Exclude<keyof typeof FAULTS, 'used' | 'form'>; readonly approval?: never }

async function lookUp(token: string, { links, approvals, contacts, clock }: ApprovalPageDeps): Promise<Found> {
  const read = links.read(token, clock.now())
  if (read.kind !== 'valid') return { kind: read.kind }
  const { link } = read
  const approval = await approvals.approval(link.approvalId)
  const fit = fitOf(link, approval)
  if (!approval || fit === 'gone') return { kind: 'gone' }
  if (!mayDecide(contacts, link.person, approval)) return { kind: 'forbidden' }
  if (fit === 'changed') return { kind: 'changed' }
  return fit === 'over' ? { kind: 'over', approval } : { kind: 'open', link, approval }
}

function over(context: PageContext, approval: Approval): Response {
  return htmlPage(context, {
    status: context.req.method === 'GET' ? 200 : 409,
    title: 'Nothing waits for you here',
    paragraphs: [outcomeOf(approval)],
  })
}

const OUTCOMES: Readonly<Record<Approval['state'], string>> = {
  pending: 'Your answer is recorded; it waits for somebody else too.',
  approved: 'It is approved: the same request may be paid once.',
  passed: 'The veto window ran out; the same request may be paid once.',
  used: 'It was allowed, and the payment was begun.',
  denied: 'It was refused; nothing is paid for it.',
  vetoed: 'It was vetoed; nothing is paid for it.',
  expired: 'Nobody decided in time; nothing is paid for it.',
  withdrawn: 'It was withdrawn: the session ended, or the agent gave it up.',
}

function outcomeOf(approval: Approval): string {
  return `${OUTCOMES[approval.state]} (${headline({ ...approval, state: 'pending', kind: 'approval' }).replace(/^Approve |\?$/g, '')})`
}

function bodyOf(approval: Approval, proof: string): Pick<PageContent, 'paragraphs' | 'more'> {
  const { kind, expiresAt, window } = approval
  const veto = kind === 'veto'
  const until = `${new Date(expiresAt).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  const time = veto ? vetoLine(window?.startedAt ?? null, until) : `Nothing is paid without a yes. The question ends at ${until}.`
  const button = (verdict: string, words: string) => `<button name="verdict" value="${verdict}">${words}</button>`
  const buttons = veto ? button('deny', 'Veto') : `${button('approve', 'Approve')} ${button('deny', 'Deny')}`
  const rows = factsOf(approval).map(rowOf).join('\n')
  const form = `<form method="post">
<p><label>Reason, for the record: <input name="reason" maxlength="${MAX_HINT_CHARS}" autocomplete="off"></label></p>
<input type="hidden" name="proof" value="${escapeHtml(proof)}">
<p>${buttons}</p>
</form>`
  return { paragraphs: [time], more: `<table>\n${rows}\n</table>\n${form}` }
}

function vetoLine(startedAt: number | null, until: string): string {
  return startedAt === null
    ? 'It is paid when its window, which is about to begin, has run out.'
    : `It is paid at ${until} unless somebody vetoes it.`
}

/** Somebody else's words stand apart from ours. */
function rowOf({ label, value, from }: Fact): string {
  return `<tr><th scope="row">${escapeHtml(label)}</th><td${from ? ' class="foreign"' : ''}>${escapeHtml(value)}</td></tr>`
}
