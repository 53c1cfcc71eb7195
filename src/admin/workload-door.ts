/**
 * The workloads' door: whoever proves what it is gets a short session of its own, minted just in time as a child of a
 * budget that an operator made (rule R10), and ends it when its task is done.
 */
import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { PurserError, type Refusal, refused } from '../errors.ts'
import { isProven, type Proof } from '../identity/identity.ts'
import { ruleFor, type WorkloadRule } from '../identity/mapping.ts'
import type { AdminKey } from '../ledger/administration.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MAX_HINT_CHARS, MAX_OPEN_CHILDREN } from '../limits.ts'
import { least } from '../money.ts'
import { MAX_WORKLOAD_SESSIONS } from '../people-limits.ts'
import { paymentBar, remainingOf, type Session, stateOf } from '../session/session.ts'
import { amount, positiveDuration, text } from '../session/values.ts'
import { type Presented, type Workload, workloadLabels, workloadOf } from '../session/workload.ts'
import type { AgentEnv } from './agent-door.ts'
import { answerProblem, problemHandler } from './answers.ts'
import { parseWith, readOptionalBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { secureHeaders } from './door-guard.ts'
import { KeyHeader } from './idempotency.ts'
import { newChild, openOnce } from './open-session.ts'
import { openedView, viewOf } from './sessions.ts'

export interface WorkloadDoorDeps extends Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'wallet' | 'events' | 'tokenSecret' | 'assets'> {
  readonly rules: readonly WorkloadRule[]
  /** Who a token proves its presenter to be. Rejects where its issuer cannot be asked. */
  readonly verify: (token: string) => Promise<Proof>
  /** The session that is minted from. */
  readonly budget: (name: string) => Promise<Session>
  readonly proxyUrl: () => string
}

/** Serves `POST /v1/session/credentials`. Never rejects for an expected reason. */
export type WorkloadDoor = (presented: Presented, request: Request) => Promise<Response>

/** What a workload may ask for: less than it would get anyway. */
const Wanted = z.strictObject({ task: text(MAX_HINT_CHARS).optional(), cap: amount.optional(), ttl: positiveDuration.optional() })
type Wanted = z.output<typeof Wanted>

export function createWorkloadDoor(deps: WorkloadDoorDeps): WorkloadDoor {
  const app = new Hono<{ Bindings: { presented: Presented } }>()
  app.onError(problemHandler(deps.events))
  app.notFound(() => answerProblem({ code: 'not_found', detail: 'There is POST /v1/session/credentials here.' }))
  app.use(secureHeaders)
  app.post('/v1/session/credentials', async (context) => {
    const workload = await provenBy(context.env.presented, deps)
    const rule = ruleFor(deps.rules, workload)
    if (!rule) throw refused('forbidden', `No agent is configured for ${workload.subject}.`)
    const body = await context.req.text()
    const wanted = await readOptionalBody(context.req, Wanted)
    const key = keyOf(workload, { header: context.req.header('idempotency-key'), body })
    const session = await openOnce(deps.ledger, key, () => mint(deps, { workload, rule, wanted }))
    return context.json(await openedView(session, { ...deps, proxyUrl: deps.proxyUrl() }), 201)
  })
  return async (presented, request) => app.fetch(request, { presented })
}

/** `POST /v1/session/end`: the task is over, and with it what was minted for it. */
export function registerEnd(app: Hono<AgentEnv>, deps: Pick<AdminDeps, 'ledger' | 'clock' | 'wallet'>): void {
  app.post('/v1/session/end', async (context) => {
    const { session } = context.env
    if (!workloadOf(session)) throw refused('forbidden', 'This session was not minted for a workload; its operator closes it.')
    return context.json(await viewOf(await deps.ledger.revoke(session.id), deps))
  })
}

/** A certificate was verified by TLS; where both are presented, the token counts. */
async function provenBy({ token, certificate }: Presented, { verify, rules }: WorkloadDoorDeps): Promise<Workload> {
  if (token === undefined) {
    const workloads = (certificate ?? []).map((subject) => ({ issuer: 'certificate', subject }))
    const [first] = [...workloads.filter((workload) => ruleFor(rules, workload)), ...workloads]
    if (first) return first
    throw denied({ code: 'session_required', detail: 'The request proves no workload identity.' }, IDENTITY_HINT)
  }
  const proof = await verify(token).catch((cause: unknown) => {
    throw new PurserError({ code: 'upstream_unreachable', detail: 'The issuer of this identity cannot be asked now.' }, cause)
  })
  if (isProven(proof)) return proof
  throw denied({ code: 'session_invalid', detail: `The identity is not accepted: ${proof.why}.` }, IDENTITY_HINT)
}

const IDENTITY_HINT = 'Send the workload’s token as Proxy-Authorization: Bearer <token>, or in Purser-Identity.'

function denied(refusal: Refusal, nextAction: string): PurserError {
  return new PurserError({ ...refusal, nextAction, status: 401 })
}

interface Mintable {
  readonly workload: Workload
  readonly rule: WorkloadRule
  readonly wanted: Wanted
}

/** What remains of the budget bounds it: a workload gets less then, rather than nothing. */
async function mint(deps: WorkloadDoorDeps, { workload, rule, wanted }: Mintable): ReturnType<Parameters<typeof openOnce>[2]> {
  const now = deps.clock.now()
  const parent = await deps.budget(rule.parent)
  const bar = paymentBar(parent, now)
  if (bar) throw new PurserError({ ...bar, detail: `The budget that sessions of ${rule.agent} are minted from: ${bar.detail}` })
  await refuseMany(parent, { ...deps, workload })
  const cap = least(rule.session.cap, wanted.cap, remainingOf(parent))
  const ttl_ms = Math.min(rule.session.ttl_ms, wanted.ttl ?? rule.session.ttl_ms, parent.expiresAt - now)
  const purpose = rule.session.purpose ?? wanted.task
  const asked = { ...rule.session, agent: rule.agent, cap, ttl_ms, ...(purpose === undefined ? {} : { purpose }) }
  const child = newChild(parent, asked, { ...deps, opener: 'operator' })
  return { ...child, labels: { ...child.labels, ...workloadLabels(workload) } }
}

/** A workload in a loop must not fill the ledger, nor take the places of others. */
async function refuseMany(
  parent: Session,
  {
    ledger,
    clock,
    workload,
  }: { readonly ledger: Pick<Ledger, 'sessions'>; readonly clock: WorkloadDoorDeps['clock']; readonly workload: Workload },
): Promise<void> {
  const { items } = await ledger.sessions({ limit: MAX_OPEN_CHILDREN }, { parent: parent.id })
  const own = items.filter(
    (child) => workloadOf(child)?.subject === workload.subject && ['open', 'exhausted'].includes(stateOf(child, clock.now())),
  )
  if (own.length < MAX_WORKLOAD_SESSIONS) return
  throw refused('conflict', `This workload has ${own.length} open sessions; end some of them first (POST /v1/session/end).`)
}

/** Keys of different workloads, agents and operators never meet. */
function keyOf({ issuer, subject }: Workload, { header, body }: { header: string | undefined; body: string }): AdminKey | undefined {
  const { 'idempotency-key': key } = parseWith(KeyHeader, { 'idempotency-key': header })
  return key === undefined ? undefined : { key: digestOf(['workload', issuer, subject, key]), digest: digestOf(['credentials', body]) }
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
