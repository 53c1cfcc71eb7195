/** `purser uninstall`: takes out what `install` wrote, and leaves every other byte as it was. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { CliFailure } from './failure.ts'
import { followed, PROFILES } from './install.ts'
import { type CommonFlags, command } from './options.ts'
import { isTorn, readProfile, withoutBlock, writeProfile } from './shell-profile.ts'
import { printJson, type Terminal } from './terminal.ts'

interface UninstallFlags extends CommonFlags {
  readonly file?: readonly string[]
  readonly dryRun?: true
}

export function uninstallCommand(terminal: Terminal): Command {
  return command('uninstall', '')
    .option('--file <path...>', 'the start-up files to take it out of; without it all that `install` knows')
    .option('--dry-run', 'say what would be changed, and change nothing')
    .action((flags: UninstallFlags) => uninstall(flags, terminal))
}

async function uninstall({ file, dryRun, json }: UninstallFlags, terminal: Terminal): Promise<void> {
  const { HOME } = terminal.env
  if (file === undefined && !HOME) throw new CliFailure('HOME is not set.', { advice: 'Name a file with --file.' })
  const named = file ?? PROFILES.map((name) => join(HOME ?? '', name))
  const changed: string[] = []
  const files = await Promise.all(named.map(followed))
  for (const one of files) if (await takeOut(one, dryRun === true)) changed.push(one)
  const torn = await tornOf(files)
  for (const one of torn)
    terminal.err.line(`${one}: a block there has lost its last line. Take the lines below "# >>> purser >>>" out by hand.`)
  if (json) return printJson(terminal, { dryRun: dryRun === true, changed })
  for (const one of changed) terminal.out.line(`${one}: ${dryRun ? 'would be put back' : 'put back'}`)
  if (changed.length === 0 && torn.length === 0) terminal.out.line('There is nothing to take out.')
  else if (changed.length > 0 && !dryRun) terminal.out.line('Shells that are open keep the variables until they end.')
}

async function tornOf(files: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(files.map(readProfile))
  return files.filter((_, at) => isTorn(texts[at] ?? ''))
}

async function takeOut(file: string, isDry: boolean): Promise<boolean> {
  const before = await readProfile(file)
  if (before === undefined) return false
  const after = withoutBlock(before)
  if (after === before) return false
  if (!isDry) await writeProfile(file, after)
  return true
}
