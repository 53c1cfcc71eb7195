/** `purser policy simulate`: what another policy would have answered to the payments that are on record. */
import type { Command } from 'commander'
import { z } from 'zod'
import { written } from '../policy/written.ts'
import { misused } from './failure.ts'
import { addFilters, type CommonFlags, command } from './options.ts'
import { readBlockedLists, readPolicyFile } from './policy-file.ts'
import { connectAdmin } from './settings.ts'
import { display } from './statement.ts'
import { facts, printJson, type Terminal, table } from './terminal.ts'

const FILTERS = ['session', 'agent', 'since', 'until'] as const

interface SimulateFlags extends CommonFlags, Partial<Record<(typeof FILTERS)[number], string>> {}

const Sums = z.record(z.string(), z.string())
const Side = z.looseObject({ decision: z.string(), tier: z.string(), code: z.string().nullable() })
const SimulationAnswer = z.looseObject({
  policyVersion: z.string(),
  from: z.string().nullable(),
  truncated: z.boolean(),
  ...{ judged: z.number(), changed: z.number(), uncertain: z.number(), unlisted: z.number() },
  notJudged: z.array(z.looseObject({ reason: z.string(), payments: z.number() })),
  before: z.looseObject({ spent: Sums }),
  after: z.looseObject({ atLeast: Sums, atMost: Sums }),
  changes: z.array(
    z.looseObject({ paymentId: z.string(), amount: z.string(), currency: z.string(), url: z.string(), before: Side, after: Side }),
  ),
  caveats: z.array(z.string()),
})
type SimulationAnswer = z.infer<typeof SimulationAnswer>

export function policySimulateCommand(terminal: Terminal): Command {
  return addFilters(command('simulate', 'judge recorded payments by another policy; nothing changes'), FILTERS)
    .argument('<file>', 'a configuration or only tiers; rules that it does not have are those in force')
    .action((file: string, flags: SimulateFlags) => simulatePolicy(file, flags, terminal))
}

async function simulatePolicy(file: string, flags: SimulateFlags, terminal: Terminal): Promise<void> {
  const policy = await readPolicyFile(file, terminal)
  if (policy.type === 'flat_limit') throw misused('A flat limit has no tiers to judge by.', 'Name a file with tiers.')
  const admin = await connectAdmin(flags, terminal)
  const named = Object.fromEntries(FILTERS.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])))
  const lists = await readBlockedLists(policy.blockedFiles)
  const listed = lists && { blockedAddresses: [...lists.addresses] }
  const body = { tiers: written(policy.tiers), ...policy.rules, ...listed, ...named }
  const answer = await admin.post('/v1/policy/simulate', body, SimulationAnswer)
  if (flags.json) printJson(terminal, answer)
  else terminal.out.line(shown(answer))
}

/** From what is certain to what people might have allowed. */
function span({ atLeast, atMost }: SimulationAnswer['after']): string {
  const [least, most] = [sums(atLeast), sums(atMost)]
  return least === most ? least : `${least} to ${most}`
}

function shown(answer: SimulationAnswer): string {
  const { judged, changed, uncertain, before, after, notJudged, changes, unlisted, caveats } = answer
  const head = facts([
    [
      'Payments judged',
      `${judged}${answer.from === null ? '' : `, since ${answer.from}`}${answer.truncated ? ' (there are older ones)' : ''}`,
    ],
    ['Decisions changed', String(changed)],
    ['Not certain', String(uncertain)],
    ['Spent then', sums(before.spent)],
    ['Would have spent', span(after)],
  ])
  const left = notJudged.map(({ reason, payments }) => `Not judged: ${payments}. ${reason}`)
  const rows = changes.map(({ paymentId, amount, currency, url, before: then, after: now }) => {
    return [paymentId, display(amount, currency), side(then), side(now), url]
  })
  const columns = [
    { title: 'PAYMENT' },
    { title: 'AMOUNT', align: 'right' as const },
    { title: 'THEN' },
    { title: 'NOW' },
    { title: 'RESOURCE' },
  ]
  const list = rows.length === 0 ? [] : ['', table(columns, rows), ...(unlisted > 0 ? [`and ${unlisted} more`] : [])]
  return [head, ...left, ...list, '', ...caveats].join('\n')
}

function side({ decision, tier, code }: z.infer<typeof Side>): string {
  return [decision, tier || code].filter(Boolean).join(' ')
}

function sums(amounts: Readonly<Record<string, string>>): string {
  const entries = Object.entries(amounts)
  return entries.length === 0 ? 'nothing' : entries.map(([currency, amount]) => display(amount, currency)).join(' + ')
}
