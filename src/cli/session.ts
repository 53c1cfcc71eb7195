/** `purser session …`: budgets for agents, made and ended by people. */

import { type Command, Option } from 'commander'
import { z } from 'zod'
import { EndedSession, OpenedSession, pageOf, SessionAnswer } from './answers.ts'
import { fundingLines } from './funding-text.ts'
import {
  amountFlag,
  amountsFlag,
  type CommonFlags,
  command,
  countFlag,
  durationFlag,
  group,
  labelsFlag,
  listFlag,
  queryOf,
  refillFlag,
  windowsFlag,
} from './options.ts'
import { channelLines } from './session-channels.ts'
import { type OpenFlags, specOf } from './session-flags.ts'
import { connectAdmin } from './settings.ts'
import { balanceText, display } from './statement.ts'
import { printJson, type Terminal, table, worded } from './terminal.ts'

interface ListFlags extends CommonFlags {
  readonly parent?: string
  readonly limit: number
  readonly cursor?: string
}

interface TopUpFlags extends CommonFlags {
  readonly extend?: string
  readonly idempotencyKey?: string
}

export function sessionCommand(terminal: Terminal): Command {
  return group('session', [
    openCommand(terminal),
    listCommand(terminal),
    showCommand(terminal),
    topUpCommand(terminal),
    ...endCommands(terminal),
  ])
}

function openCommand(terminal: Terminal): Command {
  const amounts = (flag: string, what: string) => new Option(`--${flag} <name=amount>`, `${what}; repeatable`).argParser(amountsFlag)
  const list = (flag: string, what: string) => new Option(`--${flag} <name>`, `${what}; repeatable`).argParser(listFlag)
  return command('open', 'open a session; its token is shown once')
    .option('--agent <name>', 'who spends')
    .option('--purpose <text>', 'what for')
    .option('--parent <session>', 'a session above it, whose bounds it may only narrow')
    .requiredOption('--cap <amount>', 'how much at most; required', amountFlag)
    .requiredOption('--ttl <span>', 'for how long, e.g. 30m, 1h, 7d; required', durationFlag)
    .option('--refill <amount/span>', 'what is added again and again, e.g. 0.50/1h', refillFlag)
    .option('--refill-max <amount>', 'what may remain after a refill at most', amountFlag)
    .option('--currency <code>', 'the currency of all amounts')
    .option('--owner <id>', 'the person whose budget it is')
    .option('--per-payment <amount>', 'how much one payment may cost', amountFlag)
    .option('--max-payments <count>', 'how many payments', countFlag)
    .addOption(amounts('per-recipient', 'limit for a host or address; * is each one not named'))
    .addOption(amounts('per-category', 'limit for a category'))
    .addOption(amounts('per-tool', 'limit for a tool'))
    .addOption(amounts('per-user', 'limit for a user'))
    .option('--per-window <amount/span>', 'limit for a rolling window, e.g. 5.00/10m; repeatable', windowsFlag)
    .option('--task-payments <count>', 'how many payments for each task that the agent names', countFlag)
    .option('--task-requests <count>', 'how many requests of any kind for each task', countFlag)
    .addOption(list('host', 'hosts in scope'))
    .addOption(list('method', 'methods in scope'))
    .addOption(list('path', 'paths in scope, e.g. /v1/search*'))
    .addOption(list('category', 'categories in scope'))
    .addOption(list('tool', 'tools in scope'))
    .addOption(new Option('--enforce <what>', 'what the scope judges: payments, or all requests').choices(['payments', 'all']))
    .addOption(new Option('--on-drift <what>', 'what follows a payment unlike its start').choices(['report', 'escalate', 'deny']))
    .addOption(list('network', 'networks to pay on'))
    .addOption(list('asset', 'tokens to pay with'))
    .option('--label <name=value>', 'a label for your own books; repeatable', labelsFlag)
    .option('--single-use', 'for one payment only')
    .option('--token-format <format>', 'opaque, or jwt: can be verified offline')
    .option('--mandate <file>', 'an AP2 open payment mandate (SD-JWT); the session can do no more than it grants')
    .option('--limits-json <file>', 'the object `limits` of the API; flags win over it')
    .option('--idempotency-key <key>', 'repeat safely: the same key gives the same session')
    .action((flags: OpenFlags) => open(flags, terminal))
}

async function open(flags: OpenFlags, terminal: Terminal): Promise<void> {
  const spec = await specOf(flags)
  const admin = await connectAdmin(flags, terminal)
  const session = await admin.post('/v1/sessions', spec, OpenedSession, flags.idempotencyKey ?? terminal.ids('cli'))
  if (flags.json) return printJson(terminal, session)
  terminal.out.line(balanceText(session))
  terminal.out.line(`\nSession  ${session.id}\nToken    ${session.token}\nProxy    ${session.proxyUrl}\nWallet   ${session.wallet.address}`)
  terminal.err.line('The token is shown this once. Whoever has it can spend this budget.')
}

function listCommand(terminal: Terminal): Command {
  return command('list', 'sessions, newest first')
    .option('--parent <session>', 'only its children')
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => list(flags, terminal))
}

async function list(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const query = queryOf({ parent: flags.parent, limit: flags.limit, cursor: flags.cursor })
  const page = await admin.get(`/v1/sessions${query}`, pageOf(SessionAnswer))
  if (flags.json) return printJson(terminal, page)
  const rows = page.items.map((session) => [
    session.id,
    session.agent,
    session.state,
    ...[session.cap, session.spent, session.held, session.remaining].map((amount) => display(amount, session.currency)),
    session.expiresAt,
  ])
  const money = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    { title: 'SESSION' },
    { title: 'AGENT' },
    { title: 'STATE' },
    money('CAP'),
    money('SPENT'),
    money('HELD'),
    money('REMAINING'),
  ]
  terminal.out.line(rows.length === 0 ? 'No sessions.' : table([...columns, { title: 'EXPIRES' }], rows))
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

const Wallet = z.looseObject({ wallet: z.looseObject({ address: z.string().nullable() }).optional() })

function showCommand(terminal: Terminal): Command {
  return command('show', 'one session with its balance and bounds')
    .argument('<session>', 'the session’s id')
    .action((id: string, flags: CommonFlags) => show(id, flags, terminal))
}

async function show(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const session = await admin.get(pathOf(id), SessionAnswer)
  if (flags.json) return printJson(terminal, session)
  terminal.out.line(`${session.id}  ${session.agent}: ${session.purpose}\n${balanceText(session)}`)
  if (session.parent) terminal.out.line(`Parent    ${session.parent}`)
  const { wallet } = Wallet.parse(session)
  if (wallet?.address) terminal.out.line(`Wallet    ${wallet.address}`)
  for (const line of [...channelLines(session), ...fundingLines(session)]) terminal.out.line(line)
  for (const name of ['limits', 'scope', 'networks', 'assets', 'labels']) {
    const value = session[name]
    if (value === undefined || ['{}', '[]'].includes(JSON.stringify(value))) continue
    terminal.out.line(`${`${name.slice(0, 1).toUpperCase()}${name.slice(1)}`.padEnd(8)}  ${worded(value)}`)
  }
}

function topUpCommand(terminal: Terminal): Command {
  return command('topup', 'add to the cap and, if asked, to the lifetime')
    .argument('<session>', 'the session’s id')
    .argument('<amount>', 'what is added to the cap', amountFlag)
    .option('--extend <span>', 'what is added to the lifetime', durationFlag)
    .option('--idempotency-key <key>', 'repeat safely: the same key adds once')
    .action((id: string, amount: string, flags: TopUpFlags) => topUp({ id, amount }, flags, terminal))
}

async function topUp({ id, amount }: { id: string; amount: string }, flags: TopUpFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const body = { amount, ...(flags.extend === undefined ? {} : { extend: flags.extend }) }
  const session = await admin.post(`${pathOf(id)}/topup`, body, SessionAnswer, flags.idempotencyKey ?? terminal.ids('cli'))
  if (flags.json) return printJson(terminal, session)
  terminal.out.line(balanceText(session))
}

function endCommands(terminal: Terminal): Command[] {
  const end = (name: 'close' | 'revoke', summary: string) =>
    command(name, summary)
      .argument('<session>', 'the session’s id')
      .action((id: string, flags: CommonFlags) => finish({ id, name }, flags, terminal))
  return [
    end('close', 'stop new payments, of all below it too, and settle what is open'),
    end('revoke', 'as close, and nothing of it or below it is forwarded any more'),
  ]
}

async function finish({ id, name }: { id: string; name: 'close' | 'revoke' }, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const ended = await admin.post(`${pathOf(id)}/${name}`, {}, EndedSession)
  if (flags.json) return printJson(terminal, ended)
  terminal.out.line(balanceText(ended))
  for (const line of channelLines(ended)) terminal.out.line(line)
  if (ended.summary)
    terminal.out.line(`${display(ended.summary.freed, ended.currency)} were never spent, and nobody can spend them here any more.`)
}

function pathOf(id: string): string {
  return `/v1/sessions/${encodeURIComponent(id)}`
}
