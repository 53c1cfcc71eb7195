/** `purser approvals …`: what waits for people, exactly what would be signed, and the yes or no. Who lists a window starts it. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { pageOf } from './answers.ts'
import { patience } from './backup.ts'
import { follow } from './follow.ts'
import { type CommonFlags, command, countFlag, group, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { facts, printJson, type Terminal, table } from './terminal.ts'

const ApprovalAnswer = z.looseObject({
  id: z.string(),
  kind: z.enum(['approval', 'veto']),
  state: z.string(),
  headline: z.string(),
  agent: z.string(),
  displayAmount: z.string(),
  to: z.string(),
  tier: z.string(),
  required: z.number(),
  votes: z.array(z.looseObject({ person: z.string(), verdict: z.string(), reason: z.string(), channel: z.string(), at: z.string() })),
  startedAt: z.string().nullable(),
  expiresAt: z.string(),
  facts: z.array(z.looseObject({ label: z.string(), value: z.string() })),
})
type ApprovalAnswer = z.infer<typeof ApprovalAnswer>

const STATES = ['pending', 'approved', 'passed', 'used', 'denied', 'vetoed', 'expired', 'withdrawn'] as const

interface ListFlags extends CommonFlags {
  readonly state: string
  readonly session?: string
  readonly agent?: string
  readonly limit: number
  readonly cursor?: string
  readonly watch?: boolean
}

interface VoteFlags extends CommonFlags {
  readonly reason: string
}

export function approvalsCommand(terminal: Terminal): Command {
  const list = command('list', 'what waits for people; a veto window that you list begins')
    .addOption(new Option('--state <state>', 'what became of it').choices([...STATES, 'all']).default('pending'))
    .option('--session <session>', 'only of this session')
    .option('--agent <agent>', 'only of this agent')
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .option('--watch', 'go on: print what comes, a line each, until Ctrl-C')
    .action((flags: ListFlags) => (flags.watch ? watchApprovals(flags, terminal) : listApprovals(flags, terminal)))
  const show = command('show', 'exactly what will be signed, and who said what')
    .argument('<approval>', 'its id, from `purser approvals list`')
    .action((id: string, flags: CommonFlags) => showApproval(id, flags, terminal))
  return group('approvals', [list, show, verdict('approve', terminal), verdict('deny', terminal)])
}

function verdict(word: 'approve' | 'deny', terminal: Terminal): Command {
  const summary = word === 'approve' ? 'say yes: the same request may be paid once' : 'say no; to a veto window this is the veto'
  return command(word, summary)
    .argument('<approval>', 'its id, from `purser approvals list`')
    .option('--reason <text>', 'why; the agent is told, and it stays on record', '')
    .action((id: string, flags: VoteFlags) => vote(word, id, flags, terminal))
}

/** An approver who watches has each veto window before them as soon as it opens, so that it begins. */
async function watchApprovals(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const { out, err, stop } = terminal
  err.line('Watching what waits for people; Ctrl-C ends it. To say no: purser approvals deny ID.')
  await follow({
    look: async () => (await admin.get(`/v1/approvals${filterOf(flags)}`, pageOf(ApprovalAnswer))).items,
    nameOf: ({ id, kind, state }) => `${id} ${kind} ${state}`,
    show: (one) => out.line(flags.json ? JSON.stringify(one) : rowOf(one).join('  ')),
    pause: patience,
    stop,
  })
}

function filterOf({ state, session, agent, limit, cursor }: ListFlags): string {
  return queryOf({ state: state === 'all' ? undefined : state, session, agent, limit, cursor })
}

function rowOf(one: ApprovalAnswer): string[] {
  return [one.id, stateOf(one), one.displayAmount, one.to, one.agent, one.tier, untilOf(one)]
}

async function listApprovals(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const page = await admin.get(`/v1/approvals${filterOf(flags)}`, pageOf(ApprovalAnswer))
  if (flags.json) return printJson(terminal, page)
  const columns = ['APPROVAL', 'WHAT', 'AMOUNT', 'TO', 'AGENT', 'TIER', 'UNTIL'].map((title) => ({ title }))
  terminal.out.line(page.items.length === 0 ? 'Nothing waits here.' : table(columns, page.items.map(rowOf)))
  if (page.items.some(({ state }) => state === 'pending')) {
    terminal.err.line('Look at what will be signed with `purser approvals show ID`, then approve or deny it.')
  }
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

function stateOf({ kind, state, required, votes }: ApprovalAnswer): string {
  if (kind === 'veto' && (state === 'passed' || state === 'used')) return 'not vetoed'
  if (state !== 'pending') return state
  if (kind === 'veto') return 'veto window'
  return required > 1 ? `${votes.length} of ${required} said yes` : 'needs a yes'
}

function untilOf({ kind, state, startedAt, expiresAt }: ApprovalAnswer): string {
  return kind === 'veto' && state === 'pending' && startedAt === null ? 'not begun' : expiresAt
}

async function showApproval(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const approval = await admin.get(pathOf(id), ApprovalAnswer)
  if (flags.json) return printJson(terminal, approval)
  terminal.out.line(textOf(approval))
}

/** What will be signed, to the last detail, and what the yes or no does. */
function textOf(approval: ApprovalAnswer): string {
  const { id, headline } = approval
  const pairs = approval.facts.map(({ label, value }): [string, string] => [label, value])
  return [headline, '', facts([['Approval', id], ...pairs]), '', lastLine(approval)].join('\n')
}

function lastLine(approval: ApprovalAnswer): string {
  const { state, expiresAt } = approval
  if (state === 'pending') return wayOn(approval)
  const claimable = state === 'approved' || state === 'passed'
  return `It is ${stateOf(approval)}${claimable ? `: the same request is paid once, until ${expiresAt}` : ''}.`
}

function wayOn({ id, kind, startedAt, expiresAt }: ApprovalAnswer): string {
  if (kind === 'approval') return `Until ${expiresAt}: purser approvals approve ${id}, or deny ${id}. Without a yes nothing is paid.`
  if (startedAt === null) return `Its window has not begun: only approvers begin it. To veto it: purser approvals deny ${id}.`
  return `It is paid at ${expiresAt} unless somebody says: purser approvals deny ${id}.`
}

async function vote(word: 'approve' | 'deny', id: string, flags: VoteFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const approval = await admin.post(`${pathOf(id)}/${word}`, { reason: flags.reason, channel: 'cli' }, ApprovalAnswer)
  if (flags.json) return printJson(terminal, approval)
  terminal.out.line(outcomeOf(approval))
}

function outcomeOf({ id, state, displayAmount, to, agent, required, votes, expiresAt }: ApprovalAnswer): string {
  const what = `${displayAmount} to ${to} for ${agent}`
  switch (state) {
    case 'approved':
      return `Approved: ${what}. The same request is paid once, until ${expiresAt}.`
    case 'denied':
      return `Denied: ${what}. Nothing is paid for it.`
    case 'vetoed':
      return `Vetoed: ${what}. Nothing is paid for it.`
    default:
      return `Recorded for ${id}: ${votes.length} of ${required} people said yes to ${what}.`
  }
}

function pathOf(id: string): string {
  return `/v1/approvals/${encodeURIComponent(id)}`
}
