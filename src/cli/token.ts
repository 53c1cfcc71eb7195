/** `purser token …`: admin tokens, one for each role that people and programs play. */
import { type Command, Option } from 'commander'
import { AnyAnswer, pageOf, TokenAnswer, TokenListing } from './answers.ts'
import { type CommonFlags, command, group } from './options.ts'
import { connectAdmin } from './settings.ts'
import { printJson, type Terminal, table } from './terminal.ts'

interface CreateFlags extends CommonFlags {
  readonly role: string
  readonly label?: string
}

export function tokenCommand(terminal: Terminal): Command {
  const create = command('create', 'a new admin token; it is shown once')
    .addOption(new Option('--role <role>', 'what it may do').choices(['operator', 'approver', 'auditor']).makeOptionMandatory())
    .option('--label <text>', 'whose it is')
    .action((flags: CreateFlags) => createToken(flags, terminal))
  const list = command('list', 'all tokens, without the tokens themselves').action((flags: CommonFlags) => listTokens(flags, terminal))
  const revoke = command('revoke', 'end a token at once')
    .argument('<token-id>', 'its id, from `purser token list`')
    .action((id: string, flags: CommonFlags) => revokeToken(id, flags, terminal))
  return group('token', [create, list, revoke])
}

async function createToken(flags: CreateFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const created = await admin.post('/v1/tokens', { role: flags.role, label: flags.label ?? flags.role }, TokenAnswer)
  if (flags.json) return printJson(terminal, created)
  terminal.out.line(`Id     ${created.id}\nRole   ${flags.role}\nToken  ${created.token}`)
  terminal.err.line('The token is shown this once. Hand it on in a safe way.')
}

async function listTokens(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const page = await admin.get('/v1/tokens', pageOf(TokenListing))
  if (flags.json) return printJson(terminal, page)
  const columns = ['TOKEN', 'ROLE', 'LABEL', 'CREATED', 'STATE'].map((title) => ({ title }))
  const rows = page.items.map(({ id, role, label, createdAt, revokedAt }) => [
    id,
    role,
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
