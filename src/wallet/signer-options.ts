/** The signer's command line. Absent means no: each cap and at least one token have to be named. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseAmount } from '../money.ts'
import type { SignerCaps } from './signer-book.ts'
import type { SignerAsset } from './signer-desk.ts'

export interface SignerOptions {
  readonly key: string
  readonly password: string | undefined
  /** Absolute. */
  readonly socket: string
  /** Absolute. */
  readonly journal: string
  readonly caps: SignerCaps
  readonly assets: readonly SignerAsset[]
  readonly recipients: ReadonlySet<string> | undefined
  readonly acceptRestored: boolean
}

/** The message says what to write instead. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault'
}

export const SIGNER_USAGE = `Usage: purser signer --key file:PATH --socket PATH --journal PATH --asset TOKEN
         --max-per-payment AMOUNT --max-per-session AMOUNT --max-per-day AMOUNT

The wallet's key in a process of its own, which signs for a proxy with wallet kind signer.

  --key file:PATH|env:NAME       the key (0x-hex or a keystore); a file that is not there is made
  --password file:PATH|env:NAME  the keystore's password
  --socket PATH                  where the proxy connects; its folder must be this user's alone
  --journal PATH                 what was signed, on a disk that stays
  --asset NETWORK/ADDRESS[@DECIMALS]
                                 a token that may be paid with, like eip155:84532/0x036C…@6; repeat it for more
  --recipient ADDRESS            pay only these; repeat it for more
  --max-per-payment, --max-per-session, --max-per-day AMOUNT
                                 in whole tokens like 5.00, over all tokens; a day is one of UTC
  --accept-restored-ledger       go on with a ledger that does not know what was signed last
`

const TEXT = { type: 'string' } as const
const TEXTS = { type: 'string', multiple: true } as const
const FLAGS = {
  ...{ key: TEXT, password: TEXT, socket: TEXT, journal: TEXT, asset: TEXTS, recipient: TEXTS },
  ...{ 'max-per-payment': TEXT, 'max-per-session': TEXT, 'max-per-day': TEXT },
  'accept-restored-ledger': { type: 'boolean' },
} as const

/** @throws UsageFault */
export function readSignerOptions(argv: readonly string[]): SignerOptions {
  const flags = parse(argv)
  const capOf = (name: 'max-per-payment' | 'max-per-session' | 'max-per-day') => amountOf(name, needed(name, flags[name]))
  return {
    key: needed('key', flags.key),
    password: flags.password,
    socket: resolve(needed('socket', flags.socket)),
    journal: resolve(needed('journal', flags.journal)),
    caps: { perPayment: capOf('max-per-payment'), perSession: capOf('max-per-session'), perDay: capOf('max-per-day') },
    assets: needed('asset', flags.asset).map(assetOf),
    recipients: flags.recipient && new Set(flags.recipient.map(addressOf)),
    acceptRestored: flags['accept-restored-ledger'] ?? false,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false }).values
  } catch (cause) {
    throw new UsageFault(`${cause instanceof Error ? cause.message : ''}\n\n${SIGNER_USAGE}`, { cause })
  }
}

function needed<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new UsageFault(`--${name} is missing: nothing is unlimited by omission.\n\n${SIGNER_USAGE}`)
  return value
}

function amountOf(name: string, text: string): bigint {
  try {
    return parseAmount(text)
  } catch (cause) {
    throw new UsageFault(`--${name} is no amount: write it like 5.00.`, { cause })
  }
}

const ASSET = /^eip155:([1-9][0-9]{0,14})\/(0x[0-9a-fA-F]{40})(?:@([0-9]{1,2}))?$/

function assetOf(text: string): SignerAsset {
  const [, chain = '', token = '', decimals = '6'] = ASSET.exec(text) ?? []
  if (chain === '' || Number(decimals) > 36)
    throw new UsageFault('--asset is no token: write it like eip155:84532/0x036CbD53842c5426634e7929541eC2318f3dCF7e@6.')
  return { chainId: Number(chain), token: token.toLowerCase(), decimals: Number(decimals) }
}

function addressOf(text: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw new UsageFault('--recipient is no address: write 0x and 40 hex digits.')
  return text.toLowerCase()
}
