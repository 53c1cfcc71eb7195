/** `purser wallet ceilings`: what the chain itself lets be taken from the wallet, whatever caps and policy say. */
import type { Command } from 'commander'
import { z } from 'zod'
import { type CommonFlags, command } from './options.ts'
import { reachPurser } from './reach.ts'
import { readSettings } from './settings.ts'
import { type Column, facts, printJson, type Terminal, table } from './terminal.ts'

const Sum = z.looseObject({ atomic: z.string(), amount: z.string().nullable() })
const Unknown = z.string().nullable()
const Allowance = z.looseObject({
  spender: z.string(),
  name: z.string().nullable(),
  allowed: Sum.nullable(),
  unbounded: z.boolean(),
  unknown: Unknown,
})
const Permission = z.looseObject({
  ...{ network: z.string(), account: z.string(), spender: z.string(), token: z.string(), asset: z.string().nullable() },
  ...{ allowance: Sum, periodSeconds: z.number(), state: z.string().nullable() },
  ...{ spent: Sum.nullable(), left: Sum.nullable(), takeable: Sum.nullable() },
  ...{ nextPeriodAt: z.string().nullable(), endsAt: z.string().nullable(), unknown: Unknown },
})
const CeilingsAnswer = z.looseObject({
  address: z.string(),
  solana: z.string().optional(),
  tokens: z.array(
    z.looseObject({ network: z.string(), asset: z.string(), balance: Sum.nullable(), unknown: Unknown, allowances: z.array(Allowance) }),
  ),
  spendPermissions: z.array(Permission),
  warnings: z.array(z.string()),
})
type CeilingsAnswer = z.infer<typeof CeilingsAnswer>

interface CeilingsFlags extends CommonFlags {
  readonly session?: string
}

export function ceilingsCommand(terminal: Terminal): Command {
  return command('ceilings', 'what the chain lets be taken from it at most: balances, allowances, spend permissions')
    .option('--session <id>', 'of the wallet that this session pays from')
    .action((flags: CeilingsFlags) => showCeilings(flags, terminal))
}

async function showCeilings(flags: CeilingsFlags, terminal: Terminal): Promise<void> {
  await using purser = await reachPurser(await readSettings(flags, terminal), terminal)
  const query = flags.session === undefined ? '' : `?session=${encodeURIComponent(flags.session)}`
  const answer = await purser.admin.get(`/v1/wallet/ceilings${query}`, CeilingsAnswer)
  terminal.exitCode = hasUnknown(answer) ? 1 : 0
  if (flags.json) return printJson(terminal, answer)
  const parts = [tokensText(answer), ...answer.spendPermissions.map(permissionText), ...answer.warnings.map((one) => `Warning: ${one}`)]
  terminal.out.line([[answer.address, answer.solana ?? []].flat().join('\n'), ...parts].join('\n\n'))
}

function hasUnknown({ tokens, spendPermissions }: CeilingsAnswer): boolean {
  const all = [...tokens, ...tokens.flatMap(({ allowances }) => allowances), ...spendPermissions]
  return all.some(({ unknown }) => unknown !== null)
}

const COLUMNS: readonly Column[] = [
  { title: 'NETWORK' },
  { title: 'TOKEN' },
  { title: 'WHAT' },
  { title: 'AMOUNT', align: 'right' },
  { title: '' },
]

function tokensText({ tokens }: CeilingsAnswer): string {
  if (tokens.length === 0) return 'No networks are configured, so there is nothing to pay with.'
  const rows = tokens.flatMap(({ network, asset, balance, unknown, allowances }) => [
    [network, asset, 'balance', shown(balance), unknown ?? ''],
    ...allowances.map(({ spender, name, allowed, unbounded, unknown: why }) => {
      return [network, asset, `allowed to ${name ?? spender}`, unbounded ? 'any' : shown(allowed), why ?? '']
    }),
  ])
  return table(COLUMNS, rows)
}

const STATES: Readonly<Record<string, string>> = {
  usable: 'approved, and not revoked',
  not_approved: 'not approved: nothing can be taken',
  revoked: 'revoked: nothing can be taken',
  not_started: 'not begun: nothing can be taken yet',
  ended: 'ended: nothing can be taken',
}

function permissionText(permission: z.infer<typeof Permission>): string {
  const { network, account, spender, token, asset, allowance, periodSeconds, state, spent, left, takeable, unknown } = permission
  const { nextPeriodAt, endsAt } = permission
  return facts([
    ['Spend permission', `${asset ?? token} on ${network}, from ${account} to ${spender}`],
    ['State', state === null ? 'unknown' : (STATES[state] ?? state)],
    ['Each period', `${shown(allowance)} in ${periodSeconds} s`],
    ['In this period', `${shown(spent)} taken, ${shown(left)} left, of which the account holds ${shown(takeable)}`],
    ['Next period', nextPeriodAt ?? 'none'],
    ['Ends', endsAt ?? 'never'],
    ...(unknown === null ? [] : [['Unknown', unknown] as const]),
  ])
}

function shown(sum: z.infer<typeof Sum> | null): string {
  return sum === null ? '-' : (sum.amount ?? `${sum.atomic} units`)
}
