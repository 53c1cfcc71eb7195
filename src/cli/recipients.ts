/** `purser recipients`: who was paid and did not deliver, who is under dispute, who gave something back. */
import type { Command } from 'commander'
import { z } from 'zod'
import { pageOf } from './answers.ts'
import { type CommonFlags, command, countFlag, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { printJson, type Terminal, table } from './terminal.ts'

const Amounts = z.record(z.string(), z.string())
const RecipientAnswer = z.looseObject({
  host: z.string(),
  recipient: z.string(),
  network: z.string(),
  undelivered: z.number(),
  disputed: z.number(),
  disputedAmount: Amounts,
  refundedAmount: Amounts,
})

interface ListFlags extends CommonFlags {
  readonly limit: number
  readonly cursor?: string
}

export function recipientsCommand(terminal: Terminal): Command {
  return command('recipients', '')
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => list(flags, terminal))
}

async function list(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const page = await admin.get(`/v1/recipients${queryOf({ limit: flags.limit, cursor: flags.cursor })}`, pageOf(RecipientAnswer))
  if (flags.json) return printJson(terminal, page)
  const rows = page.items.map(({ host, recipient, network, undelivered, disputed, disputedAmount, refundedAmount }) => [
    ...[host, recipient, network, String(undelivered), String(disputed), sumsOf(disputedAmount), sumsOf(refundedAmount)],
  ])
  const number = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    ...[{ title: 'HOST' }, { title: 'RECIPIENT' }, { title: 'NETWORK' }],
    ...[number('UNDELIVERED'), number('DISPUTED'), number('DISPUTED AMOUNT'), number('CAME BACK')],
  ]
  terminal.out.line(rows.length === 0 ? 'No recipient has anything undelivered, disputed or refunded.' : table(columns, rows))
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

function sumsOf(amounts: z.infer<typeof Amounts>): string {
  return (
    Object.entries(amounts)
      .map(([currency, amount]) => display(amount, currency))
      .join(', ') || '-'
  )
}
