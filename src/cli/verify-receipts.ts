/** `purser receipts verify`: the proof that nothing was changed, of an exported file offline or of the running ledger. */
import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type { ExportVerification } from '../audit/verify-export.ts'
import { VerificationAnswer } from './answers.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { connectAdmin } from './settings.ts'
import { counted, printJson, type Terminal } from './terminal.ts'

interface Anchor {
  readonly number: number
  readonly hash: string
}

interface VerifyFlags extends CommonFlags {
  readonly sealed?: boolean
  readonly key?: string
  readonly anchor?: Anchor
  readonly session?: string
}

/** A verdict of either kind; only that of a file has lines. */
interface Verdict extends Omit<ExportVerification, 'brokenAt'> {
  readonly brokenAt: {
    readonly sessionId: string
    readonly number: number
    readonly id: string
    readonly line?: number | null
    readonly why: string
  } | null
}

export function verifyCommand(terminal: Terminal): Command {
  return command('verify', 'check that nothing was changed: in an exported file, offline, or in the ledger')
    .argument('[file]', 'an export as JSON lines or JSON; without it the running Purser checks its ledger')
    .option('--sealed', 'the file has to have a signed checkpoint')
    .option('--key <hex>', 'the public key that has to have signed (`purser receipts key`)', keyFlag)
    .option('--anchor <number:hash>', 'a checkpoint noted earlier, which has to be in the file', anchorFlag)
    .option('--session <id>', 'the file is an export of this session alone')
    .action((file: string | undefined, flags: VerifyFlags) => verifyReceipts(file, flags, terminal))
}

function keyFlag(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('It has 64 hex digits.')
}

function anchorFlag(text: string): Anchor {
  const match = /^([1-9][0-9]{0,14}):([0-9a-f]{64})$/i.exec(text)
  if (!match) throw new InvalidArgumentError('It is a checkpoint’s number and hash, as verify prints them: 17:5f3a…')
  const [, number = '', hash = ''] = match
  return { number: Number.parseInt(number, 10), hash: hash.toLowerCase() }
}

async function verifyReceipts(file: string | undefined, flags: VerifyFlags, terminal: Terminal): Promise<void> {
  const verdict: Verdict = file === undefined ? await verifyLedger(flags, terminal) : await verifyFile(file, flags)
  terminal.exitCode = verdict.ok ? 0 : 1
  if (flags.json) return printJson(terminal, verdict)
  const { brokenAt, count, chains } = verdict
  if (brokenAt !== null) return terminal.out.line(`${terminal.out.paint('red', 'broken')}  ${placeOf(brokenAt)}${brokenAt.why}.`)
  const found = `${counted(count, 'receipt')} in ${counted(chains, 'session')}`
  terminal.out.line(`${terminal.out.paint('green', 'ok')}  ${found}; every chain holds.`)
  terminal.out.line(sealOf(verdict, file !== undefined))
}

async function verifyLedger(flags: VerifyFlags, terminal: Terminal): Promise<Verdict> {
  if (flags.sealed || flags.key !== undefined || flags.anchor || flags.session !== undefined) {
    throw new CliFailure('--sealed, --key, --anchor and --session are for an exported file.', { advice: 'Name the file.' })
  }
  return (await connectAdmin(flags, terminal)).get('/v1/receipts/verify', VerificationAnswer)
}

function placeOf({ sessionId, number, id, line }: NonNullable<Verdict['brokenAt']>): string {
  const row = sessionId === '' ? [] : [`session ${sessionId}`, id === '' ? `receipt ${number}` : `receipt ${number} (${id})`]
  const place = id === 'checkpoint' ? [`checkpoint ${number}`] : row
  const places = typeof line === 'number' ? [...place, `line ${line}`] : place
  return places.length === 0 ? '' : `${places.join(', ')}: `
}

function sealOf({ sealed, unsealed }: Verdict, isFile: boolean): string {
  if (!sealed) return `Not sealed: there is no checkpoint${isFile ? ' in the file' : ' yet'}, so the newest receipts could be missing.`
  const newer = unsealed > 0 ? ` ${counted(unsealed, 'newer receipt')} ${unsealed === 1 ? 'is' : 'are'} not sealed yet.` : ''
  return `Sealed by checkpoint ${sealed.number}:${sealed.hash} of ${sealed.at}, key ${sealed.publicKey}.${newer}`
}

async function verifyFile(path: string, { sealed, key, anchor, session }: VerifyFlags): Promise<ExportVerification> {
  const { verifyExport } = await import('../audit/verify-export.ts')
  const demands = {
    ...(sealed && { sealed }),
    ...(key !== undefined && { key }),
    ...(anchor && { anchor }),
    ...(session !== undefined && { session }),
  }
  const verdict = await access(path)
    .then(() => verifyExport(() => createReadStream(path), demands))
    .catch((cause: unknown) => {
      throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause)
    })
  const { brokenAt, count, checkpoints } = verdict
  if (brokenAt?.line === 1 && brokenAt.id === '' && count + checkpoints === 0) throw unreadable(path, `line 1: ${brokenAt.why}`)
  return verdict
}

function unreadable(path: string, why: string, cause?: unknown): CliFailure {
  if (isMissing(cause))
    return new CliFailure(`There is no file ${path}.`, { cause, advice: 'Write one: purser receipts export --out FILE' })
  return new CliFailure(`${path} cannot be read as an export of receipts: ${why}`, {
    cause,
    advice: 'It has to be what `purser receipts export --format jsonl` (or json) wrote, unchanged.',
  })
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}
