/** `purser balance`: what remains of a session. */
import type { Command } from 'commander'
import { SessionAnswer } from './answers.ts'
import { type CommonFlags, command } from './options.ts'
import { connectAdmin } from './settings.ts'
import { balanceText } from './statement.ts'
import { printJson, type Terminal } from './terminal.ts'

export function balanceCommand(terminal: Terminal): Command {
  return command('balance', '')
    .argument('<session>', 'the session’s id')
    .action((id: string, flags: CommonFlags) => balance(id, flags, terminal))
}

async function balance(id: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const admin = await connectAdmin(flags, terminal)
  const session = await admin.get(`/v1/sessions/${encodeURIComponent(id)}`, SessionAnswer)
  if (flags.json) printJson(terminal, session)
  else terminal.out.line(balanceText(session))
}
