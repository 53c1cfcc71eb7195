/** `purser reconcile`: looks into every open payment now and prints what it found. */
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { type CommonFlags, command } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { printJson, type Terminal, table } from './terminal.ts'

const Paid = z.looseObject({ paymentId: z.string(), host: z.string(), amount: z.string(), currency: z.string() })

const Report = z.looseObject({
  needsPerson: z.boolean(),
  advice: z.array(z.string()),
  takenOver: z.number(),
  resolved: z.array(Paid.extend({ outcome: z.string(), reason: z.string() })),
  open: z.array(Paid.extend({ state: z.string(), until: z.string(), reason: z.string() })),
  disputed: z.array(Paid.extend({ dispute: z.string(), refunded: z.string() })),
  refunds: z.array(z.looseObject({ paymentId: z.string(), amountAtomic: z.string(), symbol: z.string(), transaction: z.string() })),
  unmatched: z.array(
    z.looseObject({ network: z.string(), token: z.string(), from: z.string(), amountAtomic: z.string(), transaction: z.string() }),
  ),
  unrecorded: z.array(
    z.looseObject({
      ...{ network: z.string(), token: z.string(), wallet: z.string(), transaction: z.string() },
      ...{ payTo: z.string().nullable(), amountAtomic: z.string().nullable() },
    }),
  ),
  unavailable: z.array(z.looseObject({ network: z.string(), reason: z.string() })),
})
type Report = z.infer<typeof Report>

type Blocks = Readonly<Record<string, string>>

interface ReconcileFlags extends CommonFlags {
  readonly fromBlock?: Blocks
}

export function reconcileCommand(terminal: Terminal): Command {
  return command('reconcile', '')
    .option('--from-block <network=block>', 'search from here for payments that the ledger does not know; repeatable', blocksFlag)
    .action((flags: ReconcileFlags) => reconcile(flags, terminal))
}

function blocksFlag(text: string, before: Blocks | undefined): Blocks {
  const [, network, block] = /^(.+)=(0|[1-9][0-9]{0,18})$/.exec(text) ?? []
  if (network === undefined || block === undefined) throw new InvalidArgumentError('write it as network=block, e.g. base-sepolia=1200')
  return { ...before, [network]: block }
}

/** Ends with 1 where something waits for a person. */
async function reconcile({ fromBlock, ...flags }: ReconcileFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const report = await admin.post('/v1/reconcile', fromBlock === undefined ? {} : { fromBlock }, Report)
  terminal.exitCode = report.needsPerson ? 1 : 0
  if (flags.json) return printJson(terminal, report)
  for (const section of sectionsOf(report)) terminal.out.line(`${section}\n`)
  for (const line of report.advice) terminal.out.line(terminal.out.paint('yellow', line))
  if (!report.needsPerson) terminal.out.line(report.open.length === 0 ? 'Nothing is open.' : 'Nothing waits for a person.')
}

function sectionsOf(report: Report): string[] {
  const money = ({ amount, currency }: { amount: string; currency: string }) => display(amount, currency)
  return [
    ...rowsOf('Certain now', ['PAYMENT', 'OUTCOME', 'AMOUNT', 'HOST', 'WHY'], report.resolved, (one) => [
      ...[one.paymentId, one.outcome, money(one), one.host, one.reason],
    ]),
    ...rowsOf('Still open', ['PAYMENT', 'STATE', 'AMOUNT', 'HOST', 'UNTIL', 'WHY'], report.open, (one) => [
      ...[one.paymentId, one.state, money(one), one.host, one.until, one.reason],
    ]),
    ...rowsOf('Under dispute', ['PAYMENT', 'WHY', 'AMOUNT', 'CAME BACK', 'HOST'], report.disputed, (one) => [
      ...[one.paymentId, one.dispute, money(one), display(one.refunded, one.currency), one.host],
    ]),
    ...rowsOf('Came back', ['PAYMENT', 'UNITS', 'TOKEN', 'TRANSACTION'], report.refunds, (one) => [
      ...[one.paymentId, one.amountAtomic, one.symbol, one.transaction],
    ]),
    ...rowsOf('Came in for no payment', ['NETWORK', 'TOKEN', 'FROM', 'UNITS', 'TRANSACTION'], report.unmatched, (one) => [
      ...[one.network, one.token, one.from, one.amountAtomic, one.transaction],
    ]),
    ...rowsOf('Paid and not in this ledger', ['NETWORK', 'TOKEN', 'WALLET', 'TO', 'UNITS', 'TRANSACTION'], report.unrecorded, (one) => [
      ...[one.network, one.token, one.wallet, one.payTo ?? '?', one.amountAtomic ?? '?', one.transaction],
    ]),
    ...rowsOf('Could not be asked', ['NETWORK', 'WHY'], report.unavailable, (one) => [one.network, one.reason]),
  ]
}

/** A titled table, or nothing for nothing. */
function rowsOf<Item>(title: string, names: readonly string[], items: readonly Item[], row: (item: Item) => string[]): string[] {
  if (items.length === 0) return []
  const columns = names.map((name) => ({
    title: name,
    align: name === 'AMOUNT' || name === 'UNITS' ? ('right' as const) : ('left' as const),
  }))
  return [`${title}\n${table(columns, items.map(row))}`]
}
