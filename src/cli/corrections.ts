/** `purser payments resolve|cancel|refund`: what people say about payments that nothing else can decide. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { PaymentAnswer } from './answers.ts'
import { amountFlag, type CommonFlags, command } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { facts, printJson, type Terminal } from './terminal.ts'

const Proposal = z.looseObject({ paymentId: z.string(), outcome: z.string(), by: z.string(), note: z.string() })
const Resolution = z.union([PaymentAnswer, Proposal])

const Cancellation = z.looseObject({
  kind: z.enum(['submitted', 'signed']),
  paymentId: z.string(),
  transaction: z.string().nullable(),
  call: z.looseObject({ chainId: z.number(), to: z.string(), data: z.string() }),
  note: z.string(),
})

interface ResolveFlags extends CommonFlags {
  readonly outcome: string
  readonly evidence: string
  readonly transaction?: string
}

interface RefundFlags extends CommonFlags {
  readonly evidence: string
  readonly idempotencyKey?: string
}

export function correctionCommands(terminal: Terminal): Command[] {
  const of = (name: string, summary: string) => command(name, summary).argument('<payment>', 'the payment’s id')
  return [
    of('resolve', 'say how an expired or unknown payment ended; two people have to say the same')
      .addOption(new Option('--outcome <outcome>', 'how it ended').choices(['settled', 'void']).makeOptionMandatory())
      .requiredOption('--evidence <text>', 'what you have seen, and where')
      .option('--transaction <hash>', 'the transaction that settled it')
      .action((id: string, flags: ResolveFlags) => resolve(id, flags, terminal)),
    of('cancel', 'make an authorization worthless that may still be taken').action((id: string, flags: CommonFlags) =>
      cancel(id, flags, terminal),
    ),
    of('refund', 'enter what came back for a payment')
      .argument('<amount>', 'how much came back', amountFlag)
      .requiredOption('--evidence <text>', 'what you have seen, and where')
      .option('--idempotency-key <key>', 'repeat safely: the same key enters it once')
      .action((id: string, amount: string, flags: RefundFlags) => refund({ id, amount }, flags, terminal)),
  ]
}

async function resolve(id: string, { outcome, evidence, transaction, ...flags }: ResolveFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const body = { outcome, evidence, ...(transaction === undefined ? {} : { transaction }) }
  const answer = await admin.post(`${pathOf(id)}/resolve`, body, Resolution)
  if (flags.json) return printJson(terminal, answer)
  const proposal = Proposal.safeParse(answer)
  if (!proposal.success) return terminal.out.line(`Payment ${id} is ${outcome}: two people have said so.`)
  terminal.out.line(`Proposed by ${proposal.data.by}: payment ${id} is ${outcome}. Nothing has changed yet.`)
  terminal.out.line(proposal.data.note)
}

async function cancel(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const answer = await admin.post(`${pathOf(id)}/cancel`, {}, Cancellation)
  if (flags.json) return printJson(terminal, answer)
  const { kind, transaction, call, note } = answer
  terminal.out.line(note)
  if (kind === 'submitted') return terminal.out.line(facts([['Transaction', transaction ?? '-']]))
  terminal.out.line(
    facts([
      ['Chain', String(call.chainId)],
      ['To', call.to],
      ['Data', call.data],
    ]),
  )
}

async function refund({ id, amount }: { id: string; amount: string }, flags: RefundFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const body = { amount, evidence: flags.evidence }
  const payment = await admin.post(`${pathOf(id)}/refunds`, body, PaymentAnswer, flags.idempotencyKey ?? terminal.ids('cli'))
  if (flags.json) return printJson(terminal, payment)
  const { refunded, currency } = payment
  const paid = payment.amount && currency ? ` of ${display(payment.amount, currency)}` : ''
  terminal.out.line(
    `${refunded && currency ? display(refunded, currency) : amount}${paid} came back for payment ${id}. Limits do not grow by it.`,
  )
}

function pathOf(id: string): string {
  return `/v1/payments/${encodeURIComponent(id)}`
}
