/** Rows of approvals and notices. An approval is kept whole as JSON; what it is looked up by stands in columns beside it. */
import * as z from 'zod'
import type { Approval, ApprovalKind, ApprovalState, Notice, NoticeState } from '../approval/approval.ts'
import { int, json, maybeInt, maybeText, type Row, text, toJson, word } from './rows.ts'

export const APPROVAL_STATES: readonly ApprovalState[] = [
  'pending',
  'approved',
  'passed',
  'used',
  'denied',
  'vetoed',
  'expired',
  'withdrawn',
]
export const LIVE_STATES: readonly ApprovalState[] = ['pending', 'approved', 'passed']
const KINDS: readonly ApprovalKind[] = ['approval', 'veto']
export const NOTICE_STATES: readonly NoticeState[] = ['waiting', 'delivered', 'dead', 'not_needed']

const atomic = z
  .string()
  .regex(/^-?[0-9]+$/)
  .transform((digits) => BigInt(digits))
const time = z.int()
const maybe = z.string().nullable()
const words = z.array(z.string())

/** What a caller put there besides is left out: an approval that was written can always be read. */
const shownSchema = z.object({
  method: z.string(),
  url: z.string(),
  host: z.string(),
  bodyDigest: z.string(),
  rail: z.string(),
  scheme: z.string(),
  flow: z.enum(['authorization', 'upfront']),
  network: z.string(),
  asset: z.strictObject({ symbol: z.string(), address: z.string(), decimals: z.int() }),
  amountAtomic: atomic,
  amount: atomic,
  currency: z.string(),
  payTo: z.string(),
  purpose: z.string(),
  owner: z.string(),
  justification: maybe,
  tool: maybe,
  task: maybe,
  categories: words,
  trust: z.string(),
  tier: z.string(),
  reason: z.string(),
  policyVersion: z.string(),
  remaining: atomic,
  changes: words,
  untrusted: maybe,
  auditId: z.string().exactOptional(),
})

const approvalSchema: z.ZodType<Approval> = z.strictObject({
  id: z.string(),
  kind: z.enum(KINDS),
  state: z.enum(APPROVAL_STATES),
  sessionId: z.string(),
  agent: z.string(),
  requester: z.string().exactOptional(),
  digest: z.string(),
  paymentId: z.string(),
  shown: shownSchema,
  required: z.int(),
  votes: z.array(
    z.strictObject({
      person: z.string(),
      verdict: z.enum(['approve', 'deny']),
      reason: z.string(),
      channel: z.enum(['api', 'cli', 'console', 'link', 'slack']),
      at: time,
    }),
  ),
  createdAt: time,
  expiresAt: time,
  window: z.strictObject({ length_ms: time, startedAt: time.nullable() }).nullable(),
  noticedAt: time.nullable(),
  escalateAt: time.nullable().default(null),
  decidedAt: time.nullable(),
  usedAt: time.nullable().default(null),
  version: z.int().positive(),
})

export function readApproval(row: Row): Approval {
  return json(row, 'body', approvalSchema)
}

/** By name. `due_at`: when somebody has to look at it; null once nothing can become of it any more. */
export function approvalColumns(approval: Approval): Record<string, string | number | null> {
  const { id, sessionId, agent, kind, state, digest, paymentId, version } = approval
  return {
    ...{ id, agent, kind, state, digest, version },
    session_id: sessionId,
    payment_id: paymentId,
    due_at: dueAt(approval),
    body: toJson(approval),
  }
}

function dueAt({ state, expiresAt, escalateAt }: Approval): number | null {
  if (!LIVE_STATES.includes(state)) return null
  return state === 'pending' ? Math.min(expiresAt, escalateAt ?? expiresAt) : expiresAt
}

/** Of these there is one at most for a session and a digest. */
export function isOpenQuestion({ kind, state }: Pick<Approval, 'kind' | 'state'>): boolean {
  return kind === 'approval' && state === 'pending'
}

export function readNotice(row: Row): Notice {
  return {
    id: text(row, 'id'),
    approvalId: maybeText(row, 'approval_id'),
    type: text(row, 'type'),
    person: text(row, 'person'),
    channel: word(row, 'channel', ['webhook', 'slack', 'email']),
    target: text(row, 'target'),
    payload: text(row, 'payload'),
    state: word(row, 'state', NOTICE_STATES),
    attempts: int(row, 'attempts'),
    dueAt: int(row, 'due_at'),
    createdAt: int(row, 'created_at'),
    deliveredAt: maybeInt(row, 'delivered_at'),
    lastError: maybeText(row, 'last_error'),
  }
}

/** By name. */
export function noticeColumns(notice: Notice): Record<string, string | number | null> {
  const { id, type, person, channel, target, payload, state, attempts } = notice
  return {
    ...{ id, type, person, channel, target, payload, state, attempts },
    approval_id: notice.approvalId,
    due_at: notice.dueAt,
    created_at: notice.createdAt,
    delivered_at: notice.deliveredAt,
    last_error: notice.lastError,
  }
}
