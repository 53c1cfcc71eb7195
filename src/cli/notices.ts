/** `purser notices …`: what people were told, and what never reached them. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { pageOf } from './answers.ts'
import { type CommonFlags, command, countFlag, group, queryOf } from './options.ts'
import { connectAdmin } from './settings.ts'
import { printJson, type Terminal, table } from './terminal.ts'

const NoticeAnswer = z.looseObject({
  id: z.string(),
  type: z.string(),
  person: z.string(),
  target: z.string(),
  state: z.string(),
  attempts: z.number(),
  lastError: z.string().nullable(),
})

interface ListFlags extends CommonFlags {
  readonly state?: string
  readonly approval?: string
  readonly limit: number
  readonly cursor?: string
}

export function noticesCommand(terminal: Terminal): Command {
  const list = command('list', 'newest first; --state dead: what never reached anybody')
    .addOption(new Option('--state <state>', 'only in this state').choices(['waiting', 'delivered', 'dead', 'not_needed']))
    .option('--approval <approval>', 'only of this approval')
    .option('--limit <count>', 'at most so many', countFlag, 100)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action((flags: ListFlags) => listNotices(flags, terminal))
  const retry = command('retry', 'try one again at once, a dead one too')
    .argument('<notice>', 'its id, from `purser notices list`')
    .action((id: string, flags: CommonFlags) => retryNotice(id, flags, terminal))
  return group('notices', [list, retry])
}

async function listNotices(flags: ListFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const { state, approval, limit, cursor } = flags
  const page = await admin.get(`/v1/notices${queryOf({ state, approval, limit, cursor })}`, pageOf(NoticeAnswer))
  if (flags.json) return printJson(terminal, page)
  const columns = ['NOTICE', 'STATE', 'ATTEMPTS', 'TYPE', 'TO', 'ERROR'].map((title) => ({ title }))
  const rows = page.items.map((one) => [one.id, one.state, String(one.attempts), one.type, one.target, one.lastError ?? '-'])
  terminal.out.line(rows.length === 0 ? 'No notices.' : table(columns, rows))
  if (page.next !== null) terminal.err.line(`More with --cursor ${page.next}`)
}

async function retryNotice(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const notice = await admin.post(`/v1/notices/${encodeURIComponent(id)}/retry`, {}, NoticeAnswer)
  if (flags.json) printJson(terminal, notice)
  else terminal.out.line(`Notice ${notice.id} to ${notice.target} is tried again now.`)
}
