/** `purser wallet encrypt`: puts a key or seed that lies open in its file under a password, in place. */
import { randomUUID } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseSecret, resolveSecret } from '../config/secrets.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { printJson, type Terminal } from './terminal.ts'

interface EncryptFlags extends CommonFlags {
  readonly password: string
}

export function encryptCommand(terminal: Terminal): Command {
  return command('encrypt', 'puts the key or seed in this file under a password, as a keystore (version 3)')
    .argument('<file>', 'the file, as wallet.key or wallet.seed names it')
    .requiredOption('--password <secret>', 'env:NAME or file:PATH of the password')
    .action((file: string, flags: EncryptFlags) => encrypt(resolve(file), flags, terminal))
}

async function encrypt(path: string, flags: EncryptFlags, terminal: Terminal): Promise<void> {
  const text = await resolveSecret({ kind: 'file', path }, terminal.env)
  if (text.startsWith('{')) throw new CliFailure(`${path} is a keystore already. Nothing was changed.`)
  const { encryptedSecret } = await import('../open-wallet.ts')
  await replaceFile(path, await encryptedSecret(text, await passwordOf(flags.password, terminal)))
  if (flags.json) return printJson(terminal, { file: path, encrypted: true })
  terminal.out.line(`${path} is a keystore now. Name its password as wallet.password, and keep a copy of both apart.`)
}

/** Not the password itself: other users of the machine see what stands on a command line. */
async function passwordOf(written: string, terminal: Terminal): Promise<string> {
  const ref = parseSecret(written, '.')
  if (ref && ref.kind !== 'text') return resolveSecret(ref, terminal.env)
  throw new CliFailure('Write --password as env:NAME or file:PATH. Nothing was changed.')
}

/** Whole or not at all: a crash leaves the old file or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}`
  try {
    const file = await open(beside, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (fault) {
    await unlink(beside).catch(() => undefined)
    throw fault
  }
}
