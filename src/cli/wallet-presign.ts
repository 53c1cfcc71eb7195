/** `purser wallet presign`: signs transfers of one amount to one recipient beforehand, for a proxy that has no key. */
import { open, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../clock.ts'
import { formatAtomic } from '../money.ts'
import { MAX_PRESIGNED_IN_FILE, MAX_PRESIGNED_WINDOW_MS, PRESIGNED_WINDOW_MS } from '../presigned-limits.ts'
import { formatDuration, parseDuration } from '../session/duration.ts'
import { CliFailure } from './failure.ts'
import { amountFlag, type CommonFlags, command, countFlag, durationFlag } from './options.ts'
import { readSettings } from './settings.ts'
import { printJson, type Terminal } from './terminal.ts'
import { assetOf, atomicOf } from './wallet-allow.ts'

interface PresignFlags extends CommonFlags {
  readonly network: string
  readonly asset: string
  readonly recipient: `0x${string}`
  readonly amount: string
  readonly count: number
  readonly valid: string
  readonly out: string
}

/** Units of a duration that are too short to carry a file anywhere. */
const SHORTEST_MS = 60_000

export function presignCommand(terminal: Terminal): Command {
  return command('presign', 'signs transfers beforehand, for a proxy whose wallet is a pool and has no key')
    .requiredOption('--network <id>', 'the network, e.g. eip155:84532 or base-sepolia')
    .requiredOption('--asset <symbol>', 'the token, by symbol or address')
    .requiredOption('--recipient <address>', 'who is paid: the address that its challenges name', recipientFlag)
    .requiredOption('--amount <amount>', 'of each, whole tokens such as 0.01: exactly what its challenges ask for', amountFlag)
    .requiredOption('--count <number>', `how many, at most ${MAX_PRESIGNED_IN_FILE}: together they are what can be spent`, countFlag)
    .option('--valid <span>', 'how long they can be taken, e.g. 8h', durationFlag, formatDuration(PRESIGNED_WINDOW_MS))
    .requiredOption('--out <file>', 'a new file, which is as good as the money')
    .action((flags: PresignFlags) => presign(flags, terminal))
}

function recipientFlag(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text
  throw new InvalidArgumentError('write 0x and 40 hex digits')
}

async function presign(flags: PresignFlags, terminal: Terminal): Promise<void> {
  const valid_ms = parseDuration(flags.valid)
  checkBounds(flags.count, valid_ms)
  const { config } = await readSettings(flags, terminal)
  const [{ payableAssets }, { presignPool }] = await Promise.all([import('../way-out.ts'), import('../presigning.ts')])
  const asset = assetOf(flags, { config }, payableAssets(config))
  const amountAtomic = atomicOf(flags.amount, asset)
  if (amountAtomic === 0n) throw new CliFailure('--amount is 0. Nothing was signed.')
  const { recipient: to, count } = flags
  const path = resolve(flags.out)
  const signed = { asset, to, amountAtomic, count, now: systemClock.now(), valid_ms }
  const { from, until } = await writtenTo(path, () => presignPool(config, terminal.env, signed))
  const { network, symbol, decimals } = asset
  const validUntil = new Date(until).toISOString()
  if (flags.json)
    return printJson(terminal, { file: path, from, to, network, asset: symbol, amountAtomic: `${amountAtomic}`, count, validUntil })
  const show = (atomic: bigint) => `${formatAtomic(atomic, decimals)} ${symbol}`
  const longer = valid_ms > PRESIGNED_WINDOW_MS ? ` The proxy needs wallet.maxWindow: ${formatDuration(valid_ms)}.` : ''
  terminal.out.line(
    `${path}: ${count} transfers of ${show(amountAtomic)} from ${from} to ${to} on ${network}, ${show(amountAtomic * BigInt(count))} in all, until ${validUntil}. Whoever has the file can hand them in for ${to}: carry it like money.${longer}`,
  )
}

function checkBounds(count: number, valid_ms: number): void {
  if (count < 1 || count > MAX_PRESIGNED_IN_FILE) throw new CliFailure(`--count is from 1 to ${MAX_PRESIGNED_IN_FILE}. Nothing was signed.`)
  if (valid_ms < SHORTEST_MS || valid_ms > MAX_PRESIGNED_WINDOW_MS)
    throw new CliFailure(`--valid is from 1m to ${formatDuration(MAX_PRESIGNED_WINDOW_MS)}. Nothing was signed.`)
}

/** The file is made first, so that nothing is signed that cannot be kept; it is whole, or not there. */
async function writtenTo<T extends { readonly text: string }>(path: string, make: () => Promise<T>): Promise<T> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'EEXIST' ? 'is there already' : 'cannot be written'
    throw new CliFailure(`${path} ${why}. Nothing was signed.`, { cause })
  })
  try {
    const made = await make()
    await file.writeFile(made.text)
    await file.sync()
    return made
  } catch (fault) {
    await unlink(path).catch(() => undefined)
    throw fault
  } finally {
    await file.close()
  }
}
