/** `purser token …`: admin tokens, one for each role that people and programs play. */
import { type Command, Option } from 'commander'
import { AnyAnswer, pageOf, TokenAnswer, TokenListing } from './answers.ts'
import { type CommonFlags, command, group } from './options.ts'
import { connectAdmin } from './settings.ts'
import { facts, printJson, type Terminal, table } from './terminal.ts'

interface CreateFlags extends CommonFlags {
  readonly role: string
  readonly person?: string
  readonly label?: string
}

export function tokenCommand(terminal: Terminal): Command {
  const create = command('create', 'a new admin token; it is shown once')
    .addOption(new Option('--role <role>', 'what it may do').choices(['operator', 'approver', 'auditor']).makeOptionMandatory())
    .option('--person <person>', 'whose it is: what is approved with two tokens of one person counts once')
    .option('--label <text>', 'what it is for')
    .action((flags: CreateFlags) => createToken(flags, terminal))
  const list = command('list', 'all tokens, without the tokens themselves').action((flags: CommonFlags) => listTokens(flags, terminal))
  const revoke = command('revoke', 'end a token at once')
    .argument('<token-id>', 'its id, from `purser token list`')
    .action((id: string, flags: CommonFlags) => revokeToken(id, flags, terminal))
  return group('token', [create, list, revoke])
}

async function createToken(flags: CreateFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const { role, person = null, label = role } = flags
  const created = await admin.post('/v1/tokens', { role, person, label }, TokenAnswer)
  if (flags.json) return printJson(terminal, created)
  terminal.out.line(
    facts([['Id', created.id], ['Role', role], ...(person === null ? [] : [['Person', person] as const]), ['Token', created.token]]),
  )
  terminal.err.line('The token is shown this once. Hand it on in a safe way.')
}

async function listTokens(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const page = await admin.get('/v1/tokens', pageOf(TokenListing))
  if (flags.json) return printJson(terminal, page)
  const columns = ['TOKEN', 'ROLE', 'PERSON', 'LABEL', 'CREATED', 'STATE'].map((title) => ({ title }))
  const rows = page.items.map(({ id, role, person, label, createdAt, revokedAt }) => [
    id,
    role,
    person ?? '-',
    label,
    createdAt,
    revokedAt === null ? 'valid' : `revoked ${revokedAt}`,
  ])
  terminal.out.line(rows.length === 0 ? 'No tokens besides the one in the data folder.' : table(columns, rows))
}

async function revokeToken(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const answer = await admin.post(`/v1/tokens/${encodeURIComponent(id)}/revoke`, {}, AnyAnswer)
  if (flags.json) printJson(terminal, answer)
  else terminal.out.line(`Token ${id} opens nothing any more.`)
}
