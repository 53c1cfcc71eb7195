/** `purser backup FILE`: a copy of the SQLite ledger, whether a Purser runs on it or not. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Pause } from '../clock.ts'
import { copyLedger } from './copy-ledger.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { readSettings } from './settings.ts'
import { counted, printJson, type Terminal } from './terminal.ts'

export function backupCommand(terminal: Terminal): Command {
  return command('backup', '')
    .argument('<file>', 'where the copy goes; it must not be there yet')
    .action((file: string, flags: CommonFlags) => backUp(file, flags, terminal))
}

/** Unlike the system's pause it keeps the process alive: nothing else runs here meanwhile. */
export const patience: Pause = (ms, signal) => wait(ms, undefined, { signal })

async function backUp(target: string, flags: CommonFlags, terminal: Terminal): Promise<void> {
  const { ledger, retention } = (await readSettings(flags, terminal)).config
  if (ledger.kind !== 'sqlite') {
    const advice = 'Use what you back PostgreSQL up with anyway: a base backup with archived WAL, or the provider’s snapshots.'
    throw new CliFailure('The ledger is a PostgreSQL database, not a file.', { advice })
  }
  const source = ledger.file
  const { clock, stop } = terminal
  const { bytes, ledgerId, commits } = await copyLedger({ source, target, clock, pause: patience, signal: stop })
  if (flags.json) return printJson(terminal, { file: target, bytes, ledgerId, commits })
  terminal.out.line(`Wrote ${counted(bytes, 'byte')} to ${target}: ledger ${ledgerId} as of commit ${commits}. Keys are not in it.`)
  if (retention) terminal.err.line(`The archive is not in it: copy ${retention.folder} now, after the ledger.`)
  terminal.err.line(
    `To restore it, stop Purser, remove ${source}-wal, put the copy in the place of ${source}, and start with --accept-restored-ledger.`,
  )
}
