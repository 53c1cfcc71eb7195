/**
 * The kill switch as a button, for whoever has a browser and no command line at hand. The form asks the API the same as
 * everybody else does, with the token that was typed into it; nothing is kept in the browser.
 */
import type { Context } from 'hono'
import { z } from 'zod'
import { escapeHtml } from '../approval/text.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { htmlPage } from './html-page.ts'
import type { AdminApp, AdminEnv } from './router.ts'

const text = z.string().trim().max(MAX_HINT_CHARS).default('')
const Form = z.strictObject({
  /** What fits into a header: one that does not would stand in the words of the fault. */
  token: z
    .string()
    .trim()
    .max(MAX_HINT_CHARS)
    .regex(/^[\x20-\x7e]*$/),
  action: z.enum(['halt', 'resume']),
  scope: z.enum(['all', 'agent', 'session', 'recipient']),
  ...{ value: text, reason: text },
})
const Stopped = z.object({ items: z.array(z.object({ scope: z.string(), value: z.string(), reason: z.string(), at: z.string() })) })
const Problem = z.object({ detail: z.string(), nextAction: z.string() })

const FORM = `<form method="post">
<label>What <select name="scope">
<option value="all">all payments</option>
<option value="agent">those of an agent</option>
<option value="session">those of a session and what is below it</option>
<option value="recipient">those to a recipient (host or address)</option>
</select></label>
<label>Which agent, session or recipient; empty for all payments <input name="value" maxlength="${MAX_HINT_CHARS}" autocomplete="off"></label>
<label>Reason; agents are told <input name="reason" maxlength="${MAX_HINT_CHARS}" autocomplete="off"></label>
<label>Admin token, of an operator <input name="token" type="password" maxlength="${MAX_HINT_CHARS}" autocomplete="off" required></label>
<p><button name="action" value="halt">Stop payments</button> <button name="action" value="resume">Let them go on</button></p>
</form>`
const EFFECT =
  'It holds on all processes within a second. Traffic that pays nothing goes on, and what is signed already stays accounted for.'

/** Needs no token to be read: it shows nothing of anyone. */
export function registerStopPage(app: AdminApp): void {
  app.get('/stop', (context) => htmlPage(context, { status: 200, title: 'Stop payments', paragraphs: [EFFECT], more: FORM }))
  app.post('/stop', (context) => press(context, app))
}

async function press(context: Context<AdminEnv>, app: AdminApp): Promise<Response> {
  const form = Form.safeParse(Object.fromEntries(new URLSearchParams(await context.req.text())))
  if (!form.success) return failed(context, 400, ['This form is not complete. Nothing was changed.'])
  const { token, action, ...said } = form.data
  const { reason: _, ...named } = said
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify(action === 'halt' ? said : named)
  const answer = await app.request(new URL(`/v1/${action}`, context.req.url).href, { method: 'POST', headers, body }, context.env)
  const told: unknown = await answer.json()
  const stopped = Stopped.safeParse(told)
  if (stopped.success) return done(context, stopped.data.items)
  const problem = Problem.parse(told)
  return failed(context, answer.status, ['Nothing was changed.', problem.detail, problem.nextAction])
}

function failed(context: Context, status: number, paragraphs: readonly string[]): Response {
  return htmlPage(context, { status, title: 'This did not work', paragraphs, more: FORM })
}

function done(context: Context, items: z.infer<typeof Stopped>['items']): Response {
  const rows = items.map(({ scope, value, reason, at }) => {
    const cells = [`${scope} ${value}`.trim(), reason, at].map((cell) => `<td>${escapeHtml(cell)}</td>`)
    return `<tr>${cells.join('')}</tr>`
  })
  const table = `<table>\n<tr><th>Stopped</th><th>Reason</th><th>Since</th></tr>\n${rows.join('\n')}\n</table>`
  const title = items.length > 0 ? 'Payments are stopped' : 'Nothing is stopped'
  return htmlPage(context, { status: 200, title, more: `${items.length > 0 ? table : ''}\n${FORM}` })
}
