/** `purser authorize`: what the policy says to a payment before anybody makes it. It spends nothing; people may be asked. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { amountFlag, type CommonFlags, command } from './options.ts'
import { connectAdmin } from './settings.ts'
import { facts, printJson, type Terminal } from './terminal.ts'

const Authorized = z.looseObject({
  tier: z.string(),
  status: z.enum(['approved', 'awaiting_veto', 'awaiting_approval', 'blocked', 'refused']),
  auditId: z.string().nullable(),
  reason: z.string(),
  code: z.string().optional(),
  approvalId: z.string().optional(),
})

interface AuthorizeFlags extends CommonFlags {
  readonly agent: string
  readonly session?: string
  readonly amount: string
  readonly category: string
  readonly recipient: string
  readonly trust?: string
  readonly justification?: string
  readonly network?: string
  readonly dryRun?: true
}

export function authorizeCommand(terminal: Terminal): Command {
  return command('authorize', '')
    .requiredOption('--agent <agent>', 'who would pay')
    .requiredOption('--amount <amount>', 'how much', amountFlag)
    .requiredOption('--category <category>', 'for what, in the words of the policy')
    .requiredOption('--recipient <host or address>', 'to whom')
    .option('--session <session>', 'on which session; without it the agent’s newest open one')
    .addOption(
      new Option('--trust <trust>', 'how far the recipient is trusted, taken at your word').choices(['verified', 'known', 'unknown']),
    )
    .option('--justification <text>', 'why, for the record and for those who are asked')
    .option('--network <network>', 'on which network; without it the first of the session')
    .option('--dry-run', 'only answer: nothing is recorded, nobody is asked')
    .action((flags: AuthorizeFlags) => authorize(flags, terminal))
}

async function authorize(flags: AuthorizeFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const { agent, amount, category, recipient, session, trust, justification, network, dryRun } = flags
  const body = { agent, amount, category, recipient, sessionId: session, recipientTrust: trust, justification, network, dryRun }
  const answer = await admin.post('/v1/authorize', body, Authorized)
  const { status, tier, reason, code, auditId, approvalId } = answer
  if (status === 'blocked' || status === 'refused') terminal.exitCode = 1
  if (flags.json) return printJson(terminal, answer)
  terminal.out.line(
    facts([
      ['Status', code === undefined ? WORDS[status] : `${WORDS[status]} (${code})`],
      ['Tier', tier || 'none'],
      ['Reason', reason],
      ...(approvalId === undefined ? [] : [['Approval', `${approvalId}: purser approvals show ${approvalId}`] as const]),
      ['Audit id', auditId ?? 'none: a dry run'],
    ]),
  )
}

const WORDS: Readonly<Record<z.infer<typeof Authorized>['status'], string>> = {
  approved: 'approved: it would be paid at once',
  awaiting_veto: 'awaiting veto: it would be paid unless somebody vetoes it in time',
  awaiting_approval: 'awaiting approval: nothing is paid before people have said yes',
  blocked: 'blocked',
  refused: 'refused',
}
