/** The tools: what each takes and gives, which request it makes of the agent's own door, and what it says of the answer. */
import { z } from 'zod'
import { MAX_HINT_CHARS, MAX_PAGE } from '../limits.ts'
import { findRefusal, sayRefusal } from './explain.ts'
import type { OwnDoor } from './own-door.ts'
import * as shape from './shapes.ts'
import { sayApproval, sayBalance, sayPayments, sayQuote } from './words.ts'

/** What a tool answers: a short text for the model, and the same as data. */
export interface Told {
  readonly text: string
  readonly data: Record<string, unknown>
}

export interface Tool<In extends z.ZodType = z.ZodType, Out extends z.ZodType = z.ZodType> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: In
  readonly output: Out
  /** False: it tells people something. No tool pays, and none grants. */
  readonly readOnly: boolean
  /** True where it looks at somebody else's server. */
  readonly openWorld: boolean
  /** @throws DoorError */
  run(door: OwnDoor, input: z.output<In>): Promise<Told>
}

/** Holds input and output of one tool together. */
function tool<In extends z.ZodType, Out extends z.ZodType>(tool: Tool<In, Out>): Tool<In, Out> {
  return tool
}

const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,12})(\.[0-9]{1,6})?$/, 'a decimal amount like 0.50')
  .describe('Decimal amount in the currency of the session, like "0.50"')
const hint = z.string().min(1).max(MAX_HINT_CHARS)
const justification = hint.describe('Why, in one sentence. People read it; it is not checked')

const checkBalance = tool({
  name: 'check_balance',
  title: 'Check the balance',
  description:
    'What remains of the budget, what is held for payments that are not concluded, the cap, what is used of each limit, and when it ends.',
  input: z.strictObject({ task: hint.optional().describe('Whose step budget is asked for, as said in Purser-Task') }),
  ...{ output: shape.balance, readOnly: true, openWorld: false },
  run: async (door, wanted) => {
    const balance = await door.get(`/v1/session${queryOf(wanted)}`, shape.balance)
    return { text: sayBalance(balance), data: balance }
  },
})

const listPayments = tool({
  name: 'list_payments',
  title: 'List payments',
  description: 'The payments and refusals of this session, newest first, with what became of each.',
  input: z.strictObject({
    task: hint.optional().describe('Only of this task, as said in Purser-Task'),
    limit: z.int().min(1).max(MAX_PAGE).default(20),
    cursor: z.string().max(200).optional().describe('next of the page before'),
  }),
  ...{ output: shape.payments, readOnly: true, openWorld: false },
  run: async (door, wanted) => {
    const page = await door.get(`/v1/session/payments${queryOf(wanted)}`, shape.payments)
    return { text: sayPayments(page), data: page }
  },
})

const explainRefusal = tool({
  name: 'explain_refusal',
  title: 'Explain a refusal',
  description: 'Why a payment was refused, which rule said so, and what to do next. Without an id: the latest refusal.',
  input: z.strictObject({
    paymentId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,100}$/)
      .optional()
      .describe('paymentId of the refusal, or the value of Purser-Payment'),
  }),
  ...{ output: shape.refusal, readOnly: true, openWorld: false },
  run: async (door, { paymentId }) => {
    const refusal = await findRefusal(door, paymentId)
    return { text: sayRefusal(refusal), data: { ...refusal } }
  },
})

const quote = tool({
  name: 'quote',
  title: 'Ask what something costs',
  description: 'What this URL would cost now, which tier of the policy it falls in and whether it would be paid. Nothing is paid.',
  input: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('Without credentials in it'),
    method: z
      .string()
      .regex(/^[A-Za-z]{1,20}$/)
      .default('GET'),
  }),
  ...{ output: shape.quote, readOnly: true, openWorld: true },
  run: async (door, wanted) => {
    const answer = await door.post('/v1/quote', wanted, shape.quote)
    return { text: sayQuote(wanted.url, answer), data: answer }
  },
})

const requestApproval = tool({
  name: 'request_approval',
  title: 'Ask people to approve a payment ahead',
  description:
    'Asks people for one payment of exactly this amount to this recipient. It grants nothing: people decide, and list_payments or the payment itself shows what they said.',
  input: z.strictObject({
    amount,
    category: z.string().min(1).max(100).describe('Category of the policy, like api_calls'),
    recipient: z.string().min(1).max(255).describe('Host like api.example.com, or an address'),
    justification,
    network: z.string().min(1).max(100).optional().describe('CAIP-2 name like eip155:8453; without it the first of the session'),
  }),
  ...{ output: shape.approval, readOnly: false, openWorld: false },
  run: async (door, wanted) => {
    const answer = await door.post('/v1/session/requests', { kind: 'approval', ...wanted }, shape.approval)
    return { text: sayApproval(answer), data: answer }
  },
})

const requestTopup = tool({
  name: 'request_topup',
  title: 'Ask people for more budget',
  description: 'Tells the owner that more is wanted, once in ten minutes. It grants nothing: check_balance shows when they added it.',
  ...{ input: z.strictObject({ amount, justification }), output: shape.topup, readOnly: false, openWorld: false },
  run: async (door, wanted) => {
    const answer = await door.post('/v1/session/requests', { kind: 'topup', ...wanted }, shape.topup)
    return { text: answer.reason, data: answer }
  },
})

/** All there are. Each asks the agent's own door, and none of them anything else. */
export const TOOLS: readonly Tool[] = [checkBalance, listPayments, explainRefusal, quote, requestApproval, requestTopup]

function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query}`
}
