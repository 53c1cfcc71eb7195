/** `purser payments …`: what was bought, what was refused, and why; and what people say about the rest. */
import type { Command } from 'commander'
import { PaymentAnswer, pageOf } from './answers.ts'
import { correctionCommands } from './corrections.ts'
import { addFilters, type CommonFlags, command, countFlag, group, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { facts, printJson, type Terminal, table, worded } from './terminal.ts'

const FILTERS = ['session', 'agent', 'tool', 'task', 'recipient', 'onBehalfOf', 'trace', 'state', 'tier', 'since', 'until'] as const

interface ListFlags extends CommonFlags, Partial<Record<(typeof FILTERS)[number], string>> {
  readonly disputed?: true
  readonly limit: number
  readonly cursor?: string
}

export function paymentsCommand(terminal: Terminal): Command {
  const list = command('list', 'payments and refusals, newest first')
  addFilters(list, FILTERS)
  list
    .option('--disputed', 'only those under dispute')
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => listPayments(flags, terminal))
  const show = command('show', 'one payment with all that is known')
    .argument('<payment>', 'the payment’s id')
    .action((id: string, flags: CommonFlags) => showPayment(id, flags, terminal))
  return group('payments', [list, show, ...correctionCommands(terminal)])
}

async function listPayments(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const named = Object.fromEntries(FILTERS.map((name) => [name, flags[name]]))
  const filters = { ...named, disputed: flags.disputed && 'true' }
  const page = await admin.get(`/v1/payments${queryOf({ ...filters, limit: flags.limit, cursor: flags.cursor })}`, pageOf(PaymentAnswer))
  if (flags.json) return printJson(terminal, page)
  const columns = [{ title: 'PAYMENT' }, { title: 'STATE' }, { title: 'AMOUNT', align: 'right' as const }, { title: 'AGENT' }]
  const rows = page.items.map((payment) => [
    payment.id,
    stateOf(payment),
    amountOf(payment),
    payment.agent,
    payment.tier || '-',
    `${payment.method} ${payment.url}`,
  ])
  terminal.out.line(rows.length === 0 ? 'No payments.' : table([...columns, { title: 'TIER' }, { title: 'RESOURCE' }], rows))
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

async function showPayment(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const payment = await admin.get(`/v1/payments/${encodeURIComponent(id)}`, PaymentAnswer)
  if (flags.json) return printJson(terminal, payment)
  terminal.err.line(`Why it was decided so: purser policy explain ${payment.id}`)
  const pairs = Object.entries(payment).filter(([, value]) => value !== null && value !== '')
  terminal.out.line(facts(pairs.map(([name, value]) => [name, worded(value)])))
}

function stateOf({ state, code, dispute }: PaymentAnswer): string {
  if (dispute) return `${state}: ${dispute}`
  return code && state === 'denied' ? `denied: ${code}` : state
}

function amountOf({ amount, currency }: PaymentAnswer): string {
  return amount && currency ? display(amount, currency) : '-'
}
